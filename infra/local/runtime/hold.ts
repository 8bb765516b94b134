import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { LocalClusterError } from "./errors";
import type { ClusterPaths } from "./paths";
import { readText, SYSTEM_PATH } from "./process";

/**
 * Who may start and stop the components of a cluster: one process at a time, be it `up`, `down` or
 * the supervisor. The kernel keeps the hold (flock), so that it goes away with its holder however
 * that ends, and no stale one is ever left to be judged.
 */
export interface Hold {
  release(): Promise<void>;
}

type Held = Pick<ClusterPaths, "root">;

/** `up` may wait for a start by the supervisor, which takes a moment, and no longer. */
const WAIT_SECONDS = 30;
const BUSY = 75;

/**
 * Runs `work` while the supervisor starts nothing: components can be stopped, changed and started
 * without a second copy of one coming up beside. Not reentrant. A cluster without a folder has
 * nothing to hold.
 *
 * @throws LocalClusterError when another command holds the cluster for longer than 30 s
 */
export async function withHeldSupervision<T>(
  paths: Held,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  if (!existsSync(paths.root)) {
    return work();
  }
  const hold = await acquire(paths, WAIT_SECONDS, signal);
  if (hold === undefined) {
    signal?.throwIfAborted();
    throw new LocalClusterError("another command works on this cluster", {
      why: `process ${readText(lockFile(paths)) ?? "unknown"} has held it for ${String(WAIT_SECONDS)} s`,
      fix: "let it end, or end it, and run this command again",
    });
  }
  try {
    return await work();
  } finally {
    await hold.release();
  }
}

/** Takes the hold if nobody has it. @returns undefined where somebody does */
export function tryHold(paths: Held): Promise<Hold | undefined> {
  return acquire(paths, 0);
}

/** flock(1) keeps the lock as long as the other end of this process' pipe is open. */
async function acquire(
  paths: Held,
  waitSeconds: number,
  signal?: AbortSignal,
): Promise<Hold | undefined> {
  signal?.throwIfAborted();
  const limit = ["-w", String(waitSeconds), "-E", String(BUSY)];
  const untilClosed = ["sh", "-c", "echo held; exec cat"];
  const child = spawn("flock", [...limit, lockFile(paths), ...untilClosed], {
    stdio: ["pipe", "pipe", "pipe"],
    cwd: "/",
    env: { PATH: SYSTEM_PATH },
    // Ctrl-C goes to all processes of a terminal; the holder still has to put things in order.
    detached: true,
  });
  const said = text(child.stderr);
  const ended = once(child, "close").catch((error: unknown) => {
    throw unholdable(`flock does not run: ${(error as Error).message}`, "install util-linux");
  });
  const abort = (): void => {
    child.kill();
    child.stdin.end();
  };
  signal?.addEventListener("abort", abort, { once: true });
  const held = await Promise.race([
    once(child.stdout, "data").then(() => true),
    ended.then(() => false),
  ]);
  signal?.removeEventListener("abort", abort);
  if (!held) {
    if (child.exitCode !== null && child.exitCode !== BUSY) {
      throw unholdable((await said).trim(), "run the command as the user who made the cluster");
    }
    return undefined;
  }
  writeFileSync(lockFile(paths), String(process.pid));
  return {
    release: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

function unholdable(why: string, fix: string): LocalClusterError {
  return new LocalClusterError("the cluster cannot be held", { why, fix });
}

function lockFile({ root }: Held): string {
  return join(root, "supervision.lock");
}
