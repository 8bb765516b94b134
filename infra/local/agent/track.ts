import { startedAt, startTime } from "../runtime/process";
import type { ComponentState, Standing } from "../runtime/supervision";

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 10_000;
/** After so long a run the next restart is a first one again. */
const STABLE_MS = 60_000;

/** How a process ended, as far as its parent knows. */
export interface End {
  readonly code?: number;
  readonly signal?: string;
}

/** Before the first restart nothing, then one second, doubled up to ten. @param attempts made so far */
export function restartDelayMs(attempts: number): number {
  return attempts === 0 ? 0 : Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempts - 1));
}

/** What the supervisor knows of one component, and when it starts it next. Times in ms. */
export class Track {
  private standing: Standing = "running";
  private pid: number | undefined;
  /** With the pid it names one process for good. */
  private startTime: string | undefined;
  private since: number;
  private restarts: number;
  private attempts: number;
  private lastEnd: ({ readonly at: number } & End) | undefined;
  private reason: string | undefined;
  private nextTry: number | undefined;

  /** @param known what an earlier supervisor wrote of it */
  constructor(
    readonly name: string,
    now: number,
    known?: ComponentState,
  ) {
    this.since = now;
    this.pid = known?.pid;
    this.restarts = known?.restarts ?? 0;
    this.attempts = known?.attempts ?? 0;
    if (known?.lastEnd !== undefined) {
      this.lastEnd = { ...known.lastEnd, at: Date.parse(known.lastEnd.at) };
    }
  }

  /** The process that ran when it was last looked at. */
  get lastPid(): number | undefined {
    return this.pid;
  }

  /** That process if it still runs, whatever became of its pid file. */
  get livePid(): number | undefined {
    const runs = this.pid !== undefined && startTime(this.pid) === this.startTime;
    return runs && this.startTime !== undefined ? this.pid : undefined;
  }

  runs(pid: number, now: number): void {
    if (this.pid !== pid || this.startTime === undefined) {
      this.pid = pid;
      this.startTime = startTime(pid);
      this.since = startedAt(pid) ?? now;
    }
    this.rest("running");
    if (now - this.since >= STABLE_MS) {
      this.attempts = 0;
    }
  }

  /** @returns whether it ran when it was looked at before */
  ended(now: number, end: End = {}): boolean {
    if (this.pid === undefined) {
      this.nextTry ??= now;
      return false;
    }
    this.pid = undefined;
    this.since = now;
    this.lastEnd = { at: now, ...end };
    this.nextTry = now + restartDelayMs(this.attempts);
    return true;
  }

  isDue(now: number): boolean {
    return now >= (this.nextTry ?? now);
  }

  /** Not started now. */
  rest(standing: Standing, reason?: string): void {
    this.standing = standing;
    this.reason = reason;
  }

  /** @param pid undefined: there is no such program, so that it ended at once */
  restarted(pid: number | undefined, now: number): void {
    this.restarts += 1;
    this.attempts += 1;
    this.since = now;
    this.pid = pid;
    this.startTime = pid === undefined ? undefined : startTime(pid);
    if (pid === undefined) {
      this.nextTry = now + restartDelayMs(this.attempts);
      this.rest("backing off", "its program cannot be run");
    } else {
      this.rest("running");
    }
  }

  state(): ComponentState {
    const { name, standing, pid, restarts, attempts, lastEnd, reason, nextTry } = this;
    return {
      name,
      standing,
      ...(pid === undefined ? {} : { pid }),
      since: time(this.since),
      restarts,
      attempts,
      ...(lastEnd === undefined ? {} : { lastEnd: { ...lastEnd, at: time(lastEnd.at) } }),
      ...(standing === "backing off" && nextTry !== undefined ? { nextTry: time(nextTry) } : {}),
      ...(reason === undefined ? {} : { reason }),
    };
  }
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
