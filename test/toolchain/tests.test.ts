import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { filesToRepeat, verdict } from "../../scripts/tests.mjs";

const passed = { state: "passed", name: "serves" };
const failed = { state: "failed", name: "starts", error: "late\nby far" };
const unfinished = { state: "pending", name: "ends" };

function run(
  code: number,
  tests: Record<string, (typeof passed)[]>,
  errors: readonly string[] = [],
) {
  const files = Object.entries(tests).map(([name, own]) => {
    const bad = own.length === 0 || own.includes(failed);
    const error = own.length === 0 ? "no such module\nat all" : undefined;
    return { name: resolve(name), state: bad ? "failed" : "passed", error, tests: own };
  });
  return { code, report: { files, errors: [...errors] } };
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
        "  starts: late",
        "passed the second time only, to be mended: b.test.ts",
        "  no such module",
        "4 passed, 0 failed",
      ],
      code: 0,
    });
  });

  it("repeats nothing where many files fail, no test is to blame, or no report was written", () => {
    const many = run(1, { "a.ts": [failed], "b.ts": [failed], "c.ts": [failed], "d.ts": [failed] });
    expect(filesToRepeat(many)).toEqual([]);
    expect(verdict(many).lines).toEqual(["0 passed, 4 failed"]);
    const tests = { "a.test.ts": [failed], "b.test.ts": [passed] };
    const unhandled = run(1, tests, ["a worker ended"]);
    expect(filesToRepeat(unhandled)).toEqual([]);
    expect(verdict(unhandled)).toEqual({ lines: ["1 passed, 1 failed"], code: 1 });
    expect(filesToRepeat(run(1, { ...tests, "c.test.ts": [unfinished] }))).toEqual([]);
    const alone = run(1, { "a.test.ts": [passed] }, ["nobody waited for it"]);
    expect(verdict(alone)).toEqual({ lines: ["1 passed, 1 failed"], code: 1 });
    expect(filesToRepeat({ code: 1 })).toEqual([]);
    expect(verdict({ code: 1 })).toEqual({ lines: ["0 passed, 1 failed"], code: 1 });
  });

  const HELP = `const fs = require("node:fs"); fs.appendFileSync("visits", "FILE ");`;
  const LATE = `it("starts", () => {
    expect(fs.readFileSync("visits", "utf8").split("late")).toHaveLength(3);
  });`;
  const GOOD = `it("serves", () => { expect(1).toBe(1); });`;

  /** Runs this project's script over a project of these test files. */
  async function runAll(files: Readonly<Record<string, string>>) {
    const project = mkdtempSync(join(tmpdir(), "drydock-tests-"));
    onTestFinished(() => rmSync(project, { recursive: true }));
    mkdirSync(join(project, "scripts"));
    for (const name of ["tests.mjs", "tests-report.mjs"]) {
      copyFileSync(resolve("scripts", name), join(project, "scripts", name));
    }
    const vitest = resolve("node_modules/vitest/vitest.mjs");
    const script = `node ${vitest} run --root . --config none.mjs`;
    writeFileSync(join(project, "none.mjs"), "export default { test: { globals: true } };");
    writeFileSync(join(project, "package.json"), JSON.stringify({ scripts: { test: script } }));
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(project, `${name}.test.ts`), `${HELP.replace("FILE", name)}\n${text}`);
    }
    const { code, output } = await new Promise<{ code: unknown; output: string }>((done) => {
      execFile(process.execPath, ["scripts/tests.mjs"], { cwd: project }, (error, stdout) =>
        done({ code: error?.code ?? 0, output: stdout }),
      );
    });
    const visits = readFileSync(join(project, "visits"), "utf8").split(" ");
    const times = (name: string) => visits.filter((it) => it === name).length;
    return { code, lines: output.trimEnd().split("\n"), times };
  }

  it("repeats with vitest itself the one file that failed", async () => {
    const { code, lines, times } = await runAll({ late: LATE, good: GOOD });
    expect(lines.slice(-3)).toEqual([
      "passed the second time only, to be mended: late.test.ts",
      expect.stringContaining("  starts: expected"),
      "2 passed, 0 failed",
    ]);
    expect(code).toBe(0);
    expect([times("late"), times("good")]).toEqual([2, 1]);
  });

  it.each([
    ["a worker that ends", `it("ends", () => { process.kill(process.pid, "SIGKILL"); });`],
    ["an error of no test", `${GOOD} void Promise.reject(new Error("unhandled"));`],
  ])("takes %s for a failure, whatever else passes the second time", async (_, text) => {
    const { code, lines, times } = await runAll({ late: LATE, other: text });
    expect(lines.at(-1)).toMatch(/^\d+ passed, [1-9]\d* failed$/);
    expect(code).toBe(1);
    expect(times("late")).toBe(1);
  });
});
