import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { ListeningEngine } from "../../scripts/bench/engine";
import { exitCode, runProgram } from "../../scripts/bench/run-program";
import { stackFile } from "../../review/recording/stack-file";

const FILE = resolve("scripts/debug-messages.cjs");
const PROGRAM = `process.stdout.write(String(require(${JSON.stringify(FILE)}).mayShow()))`;
/** Starts the rest of its command line by way of a shell, which stands for the language host. */
const HOST = `require("node:child_process").spawnSync("/bin/sh", ["-c", '"$0" "$@"; exit $?', ...process.argv.slice(process.argv.indexOf("--") + 1)], { stdio: "inherit" })`;

/** The start of a command line: a process named `name` with these arguments, which starts the rest of it. */
function startedBy(name: string, args: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "drydock-debug-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  symlinkSync(process.execPath, join(folder, name));
  return [join(folder, name), "-e", HOST, "x", ...args, "--"];
}

function asked(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const [file, ...rest] = [...startedBy(name, args), process.execPath, "-e", PROGRAM];
  return execFileSync(file, rest, { encoding: "utf8", env: { PATH: process.env.PATH, ...env } });
}

describe("the SDK's debugging messages", () => {
  it.each([
    ["preview", "--stack", "dev"],
    ["up", "-s", "dev", "--yes", "--diff", "-f"],
    ["up", "dry", "verbose"],
  ])("are not sent to pulumi %s %s %s", (...args) => {
    expect(asked("pulumi", args)).toBe("false");
  });

  it.each(["--debug", "-d", "-yd", "--debug=true", "-v=9", "--verbose=3", "--event-log=events"])(
    "are sent with %s",
    (flag) => {
      expect(asked("pulumi", ["up", "--stack", "dev", flag])).toBe("true");
    },
  );

  it.each([
    ["PULUMI_OPTION_DEBUG", "true", "true"],
    ["PULUMI_OPTION_DEBUG", "T", "true"],
    ["PULUMI_OPTION_VERBOSE", "9", "true"],
    ["PULUMI_OPTION_DEBUG", "false", "false"],
  ])("with %s=%s: %s", (name, value, sent) => {
    expect(asked("pulumi", ["up"], { [name]: value })).toBe(sent);
  });

  it("are sent where no CLI is to be seen", () => {
    expect(asked("other", ["up"])).toBe("true");
    expect(spawnSync(process.execPath, ["-e", PROGRAM], { encoding: "utf8" }).stdout).toBe("true");
  });

  it.each([
    [["preview"], false],
    [["preview", "--debug"], true],
  ])("of the program itself, by pulumi %s: %s", async (args, sent) => {
    const engine = new ListeningEngine();
    onTestFinished(() => engine.stop());
    const parent = startedBy("pulumi", args);
    expect(await exitCode(runProgram(await engine.start(), stackFile("dev").config, parent))).toBe(
      0,
    );
    const steps = engine.debugging.filter((it) => it.includes("RegisterResource RPC prepared"));
    expect(engine.registrations.length).toBeGreaterThan(20);
    // The SDK registers the stack before it loads the program.
    expect(steps).toHaveLength(sent ? engine.registrations.length : 1);
  });
});
