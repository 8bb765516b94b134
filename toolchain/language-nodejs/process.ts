import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import { LanguageHostError, messageOf } from "./errors";

/** From SIGINT to SIGKILL when the engine cancels an operation. */
const CANCEL_GRACE_MS = 5_000;
/** From SIGINT to SIGKILL when the host itself ends: the engine kills a host after five seconds. */
const SHUTDOWN_GRACE_MS = 4_000;
/** For the last output of a child, when something it left behind holds its pipes open. */
const DRAIN_MS = 1_000;
const POLL_MS = 50;

/**
 * Ends a child's process group when the host is gone without a chance to do it itself (kill -9,
 * out of memory): the host's end of this shell's stdin closes then. A process of its own, because
 * no hook inside the child can be trusted with it: the child may be blocked in a loop, ignore
 * signals, or be no Node program at all. It reads the group, and a second line when that ended.
 */
const GUARD = `
trap '' INT TERM HUP
read -r group || exit 0
read -r ended && exit 0
kill -INT "-$group"
for second in 1 2; do
  sleep 1
  kill -0 "-$group" || exit 0
done
kill -KILL "-$group"
`;

export interface Exit {
  /** null when a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A running child with all it starts: the leader of a process group of its own. */
export class Child {
  /** Resolves when the process has ended and its output was read. */
  readonly exited: Promise<Exit>;
  #stopped = false;
  #ended = false;

  /** @internal use {@link Children.start} */
  constructor(
    leader: ChildProcess,
    private readonly group: number,
    readonly stdout: Readable,
    readonly stderr: Readable,
  ) {
    this.exited = ending(leader);
    leader.once("exit", () => (this.#ended = true));
  }

  /** Whether {@link stop} was called: the exit status then says nothing about the program. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /**
   * Interrupts the group and kills what is left of it after `graceMs`. Does nothing when the
   * leader has ended by itself: what it left behind was meant to stay.
   */
  async stop(graceMs = CANCEL_GRACE_MS): Promise<void> {
    if (this.#ended) return;
    this.#stopped = true;
    const deadline = Date.now() + graceMs;
    this.#signal("SIGINT");
    while (this.#signal(0) && Date.now() < deadline) {
      await sleep(POLL_MS);
    }
    this.#signal("SIGKILL");
    await this.exited;
  }

  /** @returns whether the group has a process left. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    try {
      return process.kill(-this.group, signal);
    } catch {
      return false;
    }
  }
}

/** Everything the host has started and not yet seen end. None of it outlives the host. */
export class Children {
  readonly #running = new Set<Child>();

  /**
   * Starts a command with an empty stdin.
   *
   * @throws LanguageHostError when the command or the folder does not exist or cannot be executed.
   */
  async start(command: string, args: readonly string[], options: StartOptions): Promise<Child> {
    // Before the child, so that no moment of its life is unguarded but the one until `write`.
    const guard = startGuard();
    const leader = spawn(command, args, {
      ...options,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    if (leader.pid === undefined) {
      guard.end();
      throw await startFailure(leader, command, options.cwd);
    }
    guard.write(`${leader.pid}\n`);
    const child = new Child(leader, leader.pid, leader.stdout, leader.stderr);
    this.#running.add(child);
    leader.once("exit", () => guard.end("ended\n"));
    void child.exited.finally(() => this.#running.delete(child));
    return child;
  }

  /** Cancels every child; resolves when all have ended. */
  async cancel(): Promise<void> {
    await this.#stopAll(CANCEL_GRACE_MS);
  }

  /** Like {@link cancel}, within the shorter time that the end of the host leaves. */
  async shutdown(): Promise<void> {
    await this.#stopAll(SHUTDOWN_GRACE_MS);
  }

  async #stopAll(graceMs: number): Promise<void> {
    await Promise.all([...this.#running].map((child) => child.stop(graceMs)));
  }
}

/** @returns the guard's stdin. A guard that cannot start leaves the host without one, no worse. */
function startGuard(): Writable {
  const guard = spawn("/bin/sh", ["-c", GUARD], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", () => undefined);
  guard.stdin.on("error", () => undefined);
  return guard.stdin;
}

async function ending(leader: ChildProcess): Promise<Exit> {
  const closed = once(leader, "close");
  const [code, signal] = (await once(leader, "exit")) as [number | null, NodeJS.Signals | null];
  await Promise.race([closed, sleep(DRAIN_MS, undefined, { ref: false })]);
  return { code, signal };
}

async function startFailure(
  leader: ChildProcess,
  command: string,
  cwd: string,
): Promise<LanguageHostError> {
  const [error] = (await once(leader, "error")) as [NodeJS.ErrnoException];
  const reason =
    error.code === "ENOENT"
      ? "it was not found on PATH, or the folder does not exist"
      : messageOf(error);
  return new LanguageHostError(`could not start ${command} in ${cwd}: ${reason}`);
}
