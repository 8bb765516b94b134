import { readFileSync } from "node:fs";
import { basename } from "node:path";

import { errorCode } from "./errors";

/** Clock ticks a second in /proc: a constant of the kernel's interface to programs. */
const TICKS = 100;
/** The clock of /proc and the one on the wall agree to about a second. */
const TOLERANCE_MS = 2_000;

/**
 * Whether a process of this machine runs. One that has ended and only waits to be collected does not.
 * @param since a time at which it ran: one that started later is another that got the same number
 */
export function isAlive(pid: number, since?: Date): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
  // No /proc (macOS), or gone this very moment: the answer to the signal stands.
  if (/^State:\s+[ZX]/m.test(readProc(`${String(pid)}/status`) ?? "")) return false;
  const started = startTime(pid);
  return since === undefined || started === undefined || started <= since.getTime() + TOLERANCE_MS;
}

/** A process's program and first argument; undefined where they cannot be seen. The rest may be secret. */
export function commandName(pid: number): string | undefined {
  const [program = "", argument = ""] = (readProc(`${String(pid)}/cmdline`) ?? "").split("\0");
  return program === "" ? undefined : `${basename(program)} ${argument}`.trim();
}

/** When a process started, in milliseconds since 1970. */
function startTime(pid: number): number | undefined {
  // The second field, the command, may hold spaces and brackets: count from its end.
  const fields = readProc(`${String(pid)}/stat`)
    ?.replace(/^.*\) /s, "")
    .split(" ");
  const ticks = Number(fields?.[19]);
  const boot = Number(/^btime (\d+)/m.exec(readProc("stat") ?? "")?.[1]);
  const started = 1_000 * (boot + ticks / TICKS);
  return Number.isFinite(started) ? started : undefined;
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return undefined;
  }
}
