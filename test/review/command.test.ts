import { execFile } from "node:child_process";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";

import { describe, expect, it } from "vitest";

import { root } from "../../review/recording/stack-file";

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm run render`, from another folder and with another home, clock and language. */
async function render(...args: string[]): Promise<Outcome> {
  const script = (name: string) => path.join(root, name);
  const loaders = ["scripts/typescript.cjs", "scripts/postpone.cjs"].flatMap((name) => [
    "--require",
    script(name),
  ]);
  const env = { ...process.env, HOME: "/nowhere", TZ: "Asia/Kathmandu", LC_ALL: "tr_TR.UTF-8" };
  const options = { cwd: os.tmpdir(), env };
  return promisify(execFile)(
    process.execPath,
    [...loaders, script("review/main.ts"), ...args],
    options,
  ).then(
    (said) => ({ code: 0, ...said }),
    (error: unknown) => error as Outcome,
  );
}

describe("npm run render -- --check", () => {
  it("says that expected/ is as the program says, on any machine, within 10 s where it is quiet", async () => {
    const seconds: number[] = [];
    // The best of a few: other tests run beside.
    while (seconds.length < 3 && !seconds.some((one) => one < 10)) {
      const { code, stderr } = await render("--check");
      expect(stderr).toMatch(/^Rendered dev, prod: \d+ files in \d+\.\d s\.\n$/);
      expect(code).toBe(0);
      seconds.push(Number(/in (\d+\.\d) s/.exec(stderr)?.[1]));
    }
    expect(Math.min(...seconds)).toBeLessThan(30);
  });

  it("takes a stack", async () => {
    const { code, stderr } = await render("--check", "--stack", "dev");
    expect(stderr).toMatch(/^Rendered dev: \d+ files/);
    expect(code).toBe(0);
  });

  it("refuses a stack that is not there, and what it does not know", async () => {
    const none = await render("--check", "--stack", "staging");
    expect(none).toMatchObject({
      code: 2,
      stderr: "There is no stack staging. Those with a stack file are: dev, prod.\n",
    });
    const unknown = await render("--chekc");
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("Usage: npm run render");
    expect(unknown.stderr).not.toContain("    at ");
  });
});
