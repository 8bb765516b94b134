import { join } from "node:path";

import { LocalClusterError } from "./errors";
import type { ClusterPaths } from "./paths";
import { readText, startTime } from "./process";

/** Without these two nothing answers, and neither ends by itself while another one starts. */
const ESSENTIAL = ["etcd", "kube-apiserver"] as const;
const LOOK_EVERY_MS = 250;

/**
 * Runs `start` and gives up as soon as etcd or the API server has ended: kwokctl waits minutes for what
 * cannot come.
 */
export async function whileComponentsLive(
  paths: ClusterPaths,
  signal: AbortSignal | undefined,
  start: (stop: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const stop = new AbortController();
  const watch = setInterval(() => {
    const ended = ESSENTIAL.find((name) => hasEnded(paths, name));
    if (ended !== undefined) {
      stop.abort(componentEnded(paths, ended));
    }
  }, LOOK_EVERY_MS);
  try {
    await start(AbortSignal.any([stop.signal, ...(signal === undefined ? [] : [signal])]));
  } finally {
    clearInterval(watch);
  }
}

/** Its pid is written, and no such process runs. */
function hasEnded(paths: ClusterPaths, name: string): boolean {
  const recorded = readText(join(paths.controlPlane, "pids", `${name}.pid`)) ?? "";
  const pid = Number(recorded.trim());
  return pid > 0 && startTime(pid) === undefined;
}

/** The error for a component that does not stay up, with the last line of its log. */
export function componentEnded(paths: ClusterPaths, name: string): LocalClusterError {
  const log = join(paths.controlPlane, "logs", `${name}.log`);
  const last = (readText(log) ?? "").trim().split("\n").at(-1) ?? "";
  return new LocalClusterError(`${name} has ended right after its start`, {
    why: last === "" ? "it wrote nothing" : last.slice(0, 300),
    fix: `see ${log}`,
  });
}
