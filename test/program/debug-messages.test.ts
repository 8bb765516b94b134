import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

const FILE = resolve("scripts/debug-messages.cjs");
const PROGRAM = `process.stdout.write(String(require(${JSON.stringify(FILE)}).mayShow()))`;

/** What a program says that a process named `name` has started, by way of a shell as its language host. */
function asked(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "drydock-debug-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  symlinkSync(process.execPath, join(folder, name));
  const host = `require("node:child_process").spawnSync("/bin/sh", ["-c", '"$0" -e "$1"; true', process.execPath, ${JSON.stringify(PROGRAM)}], { stdio: "inherit" })`;
  return execFileSync(join(folder, name), ["-e", host, "--", ...args], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, ...env },
  });
}

describe("the SDK's debugging messages", () => {
  it.each([
    ["preview", "--stack", "dev"],
    ["up", "-s", "dev", "--yes", "--diff", "-f"],
    ["up", "--", "dry"],
  ])("are not sent to pulumi %s %s %s", (...args) => {
    expect(asked("pulumi", args)).toBe("false");
  });

  it.each([["--debug"], ["-d"], ["-yd"], ["--debug=true"]])("are sent with %s", (flag) => {
    expect(asked("pulumi", ["up", "--stack", "dev", flag])).toBe("true");
  });

  it("are sent where the environment asks for them as the CLI lets it", () => {
    expect(asked("pulumi", ["up"], { PULUMI_OPTION_DEBUG: "true" })).toBe("true");
  });

  it("are sent where no CLI is to be seen", () => {
    expect(asked("other", ["up"])).toBe("true");
    expect(spawnSync(process.execPath, ["-e", PROGRAM], { encoding: "utf8" }).stdout).toBe("true");
  });
});
