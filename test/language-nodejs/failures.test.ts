import { existsSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { GONE_MS, javascriptProject, type Result, typescriptProject, Workbench } from "./support";
import { eventually, eventuallyHolds } from "../support/eventually";

let bench: Workbench;

beforeAll(async () => {
  bench = await Workbench.create();
  await bench.write(javascriptProject(""));
  await bench.pulumi("stack", "init", "dev");
});

afterAll(() => bench.dispose());

async function preview(files: Readonly<Record<string, string>>): Promise<Result & { all: string }> {
  await bench.write(files);
  const result = await bench.pulumi("preview");
  return { ...result, all: result.stdout + result.stderr };
}

/** Lines of the "Diagnostics:" block, which shows each message once. */
function diagnostics(output: string): string[] {
  const [, block = ""] = output.split("Diagnostics:\n");
  const [text = ""] = block.split("\nResources:");
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

describe("a program that fails", () => {
  test("with a RunError shows its message once, without a trace", async () => {
    const project = javascriptProject('throw new pulumi.RunError("replicas must be 1 or more");');
    const { code, stdout } = await preview({
      ...project,
      // The SDK colours the trace although it hides it, and Node 20.19.6 and later take 20 seconds to
      // colour a frame at "node_modules/@pulumi/resource.ts" (nodejs/node#64011): keep it short of that.
      "Pulumi.yaml": `${project["Pulumi.yaml"] ?? ""}    nodeargs: "--stack-trace-limit=5"\n`,
    });
    expect(code).toBe(1);
    expect(diagnostics(stdout)).toEqual([
      "pulumi:pulumi:Stack (demo-dev):",
      "error: replicas must be 1 or more",
    ]);
  });

  test("with a syntax error in TypeScript names file and line", async () => {
    const { code, all } = await preview(typescriptProject('export const text: string = "a;\n'));
    expect(code).toBe(1);
    expect(all).toContain("index.ts(1,32): error TS1002: Unterminated string literal");
    expect(all).not.toContain("exit code");
  });

  test("with an exit code of its own is an error that names it", async () => {
    const { code, stdout } = await preview(
      javascriptProject('console.log("some words"); console.error("more words"); process.exit(3);'),
    );
    expect(code).toBe(1);
    expect(diagnostics(stdout).sort()).toEqual([
      "error: an unhandled error occurred: Program exited with non-zero exit code: 3",
      "more words",
      "pulumi:pulumi:Stack (demo-dev):",
      "some words",
    ]);
  });

  test("for want of memory is told how to get more", async () => {
    const project = javascriptProject(
      "for (const all = []; ; ) all.push(new Array(1e5).fill({}));",
    );
    const { code, all } = await preview({
      ...project,
      "Pulumi.yaml": `${project["Pulumi.yaml"] ?? ""}    nodeargs: "--max-old-space-size=64"\n`,
    });
    expect(code).toBe(1);
    expect(all).toContain("It ran out of memory: give it more with the runtime option");
  });

  test("because an option has the wrong type is told which", async () => {
    const { code, all } = await preview({
      ...javascriptProject(""),
      "Pulumi.yaml": "name: demo\nruntime:\n  name: nodejs\n  options:\n    typescript: maybe\n",
    });
    expect(code).toBe(1);
    expect(all).toContain('runtime option "typescript" is "maybe": it must be true or false');
  });

  test("because the SDK is not installed is told the command", async () => {
    const folder = await mkdtemp(bench.path("tmp", "bare-"));
    await bench.write(javascriptProject(""), folder);
    const { code, stderr, stdout } = await bench.pulumi("-C", folder, "preview", "-s", "dev");
    await rm(folder, { recursive: true });
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain("is not installed");
    expect(stdout + stderr).toContain("run pulumi install");
  });
});

describe("the end of a run", () => {
  /** Ignores what asks it to end, and has a child that does too. */
  const stubborn = `
    process.on("SIGINT", () => console.log("not now"));
    require("node:child_process").spawn("sh", ["-c", "trap '' INT; sleep 60"], { stdio: "ignore" });
    console.log("running");
    setInterval(() => {}, 1000);
  `;
  /** Cannot even notice. */
  const blocked = `console.log("running"); setTimeout(() => { for (;;); }, 300);`;

  beforeEach(async () => {
    await eventuallyHolds(async () => expect(await bench.processes()).toEqual([]));
  });

  async function runUntilItRuns(source: string) {
    await bench.write(javascriptProject(source));
    const running = bench.start("preview");
    await eventually(() => running.output().includes("running"));
    return running;
  }

  test("on Ctrl-C the program ends at once", async () => {
    const alive = bench.path("tmp/alive");
    const sign = `require("node:fs").writeFileSync(${JSON.stringify(alive)}, "")`;
    const running = await runUntilItRuns(`setInterval(() => ${sign}, 50); console.log("running");`);
    await eventually(() => existsSync(alive));
    const interrupted = Date.now();
    process.kill(running.pid, "SIGINT");
    const { code, stdout, stderr } = await running.result;
    // One that does not listen lives for 5 s more.
    expect(statSync(alive).mtimeMs - interrupted).toBeLessThan(4_000);
    expect(code).not.toBe(0);
    expect(stdout + stderr).not.toContain("exit code");
    await eventually(async () => (await bench.processes()).length === 0);
  });

  test("on Ctrl-C a program that ignores it is killed", async () => {
    const running = await runUntilItRuns(stubborn);
    process.kill(running.pid, "SIGINT");
    expect((await running.result).code).not.toBe(0);
    await eventually(async () => (await bench.processes()).length === 0, GONE_MS);
  });

  for (const [kind, source] of [
    ["ignores signals", stubborn],
    ["is blocked", blocked],
  ] as const) {
    test(`after kill -9 of the CLI, a program that ${kind} is gone within 10 s`, async () => {
      const running = await runUntilItRuns(source);
      process.kill(running.pid, "SIGKILL");
      await running.result;
      await eventually(async () => (await bench.processes()).length === 0, GONE_MS);
    });

    test(`after kill -9 of the host, a program that ${kind} is gone within 10 s`, async () => {
      const running = await runUntilItRuns(source);
      const hosts = (await bench.processes()).filter((line) =>
        line.includes("bin/pulumi-language-nodejs "),
      );
      expect(hosts).toHaveLength(1);
      process.kill(Number.parseInt(hosts[0] ?? ""), "SIGKILL");
      expect((await running.result).code).not.toBe(0);
      await eventually(async () => (await bench.processes()).length === 0, GONE_MS);
    });
  }

  test("a process that the program leaves behind does not hold the CLI up", async () => {
    await bench.write(
      javascriptProject(`
        const child = require("node:child_process").spawn("sleep", ["55"], { stdio: "inherit" });
        child.unref();
      `),
    );
    const start = Date.now();
    expect((await bench.pulumi("preview")).code).toBe(0);
    // Not as long as what it left sleeps.
    expect(Date.now() - start).toBeLessThan(50_000);
    const left = await eventually(async () => {
      const [first, ...more] = await bench.processes();
      return more.length === 0 && first;
    });
    expect(left).toContain("sleep 55");
    process.kill(Number.parseInt(left));
    await eventually(async () => (await bench.processes()).length === 0);
  });
});
