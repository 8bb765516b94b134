import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

import { afterAll } from "vitest";

import { endProcess, processesWhere } from "../../infra/local/runtime/process";

/** Kills the API server that serves a URL. @returns starts it again as it was, and keeps it up */
export async function stopApiServer(url: string): Promise<() => void> {
  const flag = `--secure-port=${new URL(url).port}`;
  const [pid] = processesWhere((args) => args.includes(flag));
  if (pid === undefined) {
    throw new Error(`no API server runs with ${flag}`);
  }
  const command = readFileSync(`/proc/${String(pid)}/cmdline`, "utf8")
    .split("\0")
    .slice(0, -1);
  await endProcess(pid, 0);
  return () => keepUp(command);
}

function keepUp([file = "", ...args]: readonly string[]): void {
  const child = spawn(file, args, { stdio: ["ignore", "ignore", "pipe"] });
  restarted.add(child);
  let said = "";
  child.stderr.on("data", (chunk) => (said = `${said}${String(chunk)}`.slice(-2_000)));
  child.on("exit", () => {
    if (restarted.delete(child)) {
      process.stderr.write(`the API server ended and is started again. It said: ${said}\n`);
      setTimeout(() => keepUp([file, ...args]), 500);
    }
  });
}

const restarted = new Set<ChildProcess>();
afterAll(() => {
  for (const child of restarted) {
    restarted.delete(child);
    child.kill("SIGKILL");
  }
});
