import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { rotateLogs } from "../../infra/local/agent/log-rotation";
import { temporaryFolder } from "../toolchain/support";

const LIMITS = { bytes: 16 * 1024, files: 3 };

/** Lines of 64 bytes. */
const lines = (name: string, count: number): string => `${name.padEnd(63, ".")}\n`.repeat(count);

/** Disk that a file takes, in bytes. */
const used = (file: string): number => statSync(file).blocks * 512;

describe("the rotation of logs", () => {
  it("leaves a short log alone, and whatever is no log", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "short.log"), lines("a", 10));
    writeFileSync(join(folder, "data"), lines("a", 1_000));
    await rotateLogs([folder, join(folder, "not-there")], LIMITS);
    expect(readdirSync(folder).sort()).toEqual(["data", "short.log"]);
  });

  it("keeps three files of a log, the newest whole, and drops the oldest", async () => {
    const folder = temporaryFolder();
    const log = join(folder, "some.log");
    for (const name of ["a", "b", "c", "d"]) {
      appendFileSync(log, lines(name, 1_000));
      await rotateLogs([folder], LIMITS);
    }
    expect(readdirSync(folder).sort()).toEqual(["some.log", "some.log.1", "some.log.2"]);
    expect(readFileSync(log, "utf8")).toBe("");
    expect(readFileSync(`${log}.1`, "utf8")).toBe(lines("d", 1_000));
    expect(readFileSync(`${log}.2`, "utf8")).toBe(lines("c", 1_000));
    expect(statSync(`${log}.1`).mode & 0o777).toBe(0o600);
  });

  it.each([
    ["to append", "a"],
    // As kwokctl opens its logs: what the process writes next comes after a hole.
    ["at a place of its own", "w"],
  ])("goes on with a process that holds its log open %s", async (_, flags) => {
    const folder = temporaryFolder();
    const log = join(folder, "some.log");
    const file = openSync(log, flags);
    const writer = spawn("cat", [], { stdio: ["pipe", file, "inherit"] });
    closeSync(file);
    onTestFinished(() => void writer.kill("SIGKILL"));
    const write = async (text: string, end: number): Promise<void> => {
      writer.stdin?.write(text);
      while (!readFileSync(log, "latin1").endsWith(text.slice(-64)) || used(log) < end) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    for (const name of ["a", "b", "c"]) {
      await write(lines(name, 1_000), 60_000);
      await rotateLogs([folder], LIMITS);
      expect(readFileSync(`${log}.1`, "utf8")).toBe(lines(name, 1_000));
      expect(used(log)).toBe(0);
    }
    await write(lines("d", 10), 0);
    await rotateLogs([folder], LIMITS);
    expect(readFileSync(log, "utf8").replaceAll("\0", "")).toBe(lines("d", 10));
    expect(used(log)).toBeLessThan(LIMITS.bytes);
    expect(readFileSync(`${log}.1`, "utf8")).toBe(lines("c", 1_000));
    writer.stdin?.end();
    await once(writer, "exit");
  });
});
