import { readFileSync } from "node:fs";

import { errorCode } from "./errors";

/** Whether a process of this machine runs. One that has ended and only waits to be collected does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    // No /proc (macOS), or gone this very moment: the answer to the signal stands.
    return true;
  }
}
