import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { filesToRepeat, verdict } from "../../scripts/tests.mjs";

const passed = { status: "passed", fullName: "serves" };
const failed = { status: "failed", fullName: "starts", failureMessages: ["Error: late\n    at x"] };

function run(code: number, files: Record<string, (typeof passed)[]>) {
  const testResults = Object.entries(files).map(([name, assertionResults]) => {
    const bad = assertionResults.length === 0 || assertionResults.includes(failed);
    const message = assertionResults.length === 0 ? "SyntaxError: no\nmore" : "";
    return { name: resolve(name), status: bad ? "failed" : "passed", message, assertionResults };
  });
  return { code, report: { testResults } };
}

describe("the verdict of a run of all tests", () => {
  it("counts, and repeats nothing where nothing failed", () => {
    const good = run(0, { "a.test.ts": [passed, passed], "b.test.ts": [passed] });
    expect(filesToRepeat(good)).toEqual([]);
    expect(verdict(good)).toEqual({ lines: ["3 passed, 0 failed"], code: 0 });
  });

  it("is a failure where a file fails both times", () => {
    const first = run(1, { "a.test.ts": [passed, failed], "b.test.ts": [passed] });
    expect(filesToRepeat(first)).toEqual([resolve("a.test.ts")]);
    const second = run(1, { "a.test.ts": [passed, failed] });
    expect(verdict(first, second)).toEqual({ lines: ["2 passed, 1 failed"], code: 1 });
  });

  it("names what passed only the second time, with its first failure", () => {
    const first = run(1, { "a.test.ts": [passed, failed], "b.test.ts": [], "c.test.ts": [passed] });
    const second = run(0, { "a.test.ts": [passed, passed], "b.test.ts": [passed] });
    expect(verdict(first, second)).toEqual({
      lines: [
        "passed the second time only, to be mended: a.test.ts",
        "  starts: Error: late",
        "passed the second time only, to be mended: b.test.ts",
        "  SyntaxError: no",
        "4 passed, 0 failed",
      ],
      code: 0,
    });
  });

  it("repeats nothing where many files fail, no test is to blame, or no report was written", () => {
    const many = run(1, { "a.ts": [failed], "b.ts": [failed], "c.ts": [failed], "d.ts": [failed] });
    expect(filesToRepeat(many)).toEqual([]);
    expect(verdict(many).lines).toEqual(["0 passed, 4 failed"]);
    const unhandled = run(1, { "a.test.ts": [passed] });
    expect(filesToRepeat(unhandled)).toEqual([]);
    expect(verdict(unhandled)).toEqual({ lines: ["1 passed, 1 failed"], code: 1 });
    expect(filesToRepeat({ code: 1 })).toEqual([]);
    expect(verdict({ code: 1 })).toEqual({ lines: ["0 passed, 1 failed"], code: 1 });
  });

  it("repeats with vitest itself the one file that failed", async () => {
    const project = mkdtempSync(join(tmpdir(), "drydock-tests-"));
    onTestFinished(() => rmSync(project, { recursive: true }));
    mkdirSync(join(project, "scripts"));
    const program = readFileSync(resolve("scripts/tests.mjs"));
    writeFileSync(join(project, "scripts/tests.mjs"), program);
    const vitest = resolve("node_modules/vitest/vitest.mjs");
    const script = `node ${vitest} run --root . --config none.mjs`;
    writeFileSync(join(project, "none.mjs"), "export default { test: { globals: true } };");
    writeFileSync(join(project, "package.json"), JSON.stringify({ scripts: { test: script } }));
    const visit = `require("node:fs").appendFileSync("visits", "FILE ");`;
    writeFileSync(
      join(project, "late.test.ts"),
      `${visit.replace("FILE", "late")} it("starts", () => {
        expect(require("node:fs").readFileSync("visits", "utf8").split("late")).toHaveLength(3);
      });`,
    );
    writeFileSync(
      join(project, "good.test.ts"),
      `${visit.replace("FILE", "good")} it("serves", () => { expect(1).toBe(1); });`,
    );
    const { code, output } = await new Promise<{ code: unknown; output: string }>((done) => {
      execFile(process.execPath, ["scripts/tests.mjs"], { cwd: project }, (error, stdout) =>
        done({ code: error?.code ?? 0, output: stdout }),
      );
    });
    expect(output.trimEnd().split("\n").slice(-3)).toEqual([
      "passed the second time only, to be mended: late.test.ts",
      expect.stringContaining("  starts: AssertionError: expected"),
      "2 passed, 0 failed",
    ]);
    expect(code).toBe(0);
    const visits = readFileSync(join(project, "visits"), "utf8").split(" ");
    expect(visits.filter((it) => it === "late")).toHaveLength(2);
    expect(visits.filter((it) => it === "good")).toHaveLength(1);
  });
});
