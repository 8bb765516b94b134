import { renameSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { AGENT, KEEPER } from "./agent";
import { daemonPid } from "./daemon";
import type { ClusterPaths } from "./paths";
import { readJson } from "./process";

/**
 * `running`: the process is there. `backing off`: it ended and is started again at `nextTry`.
 * `held`: it ended while another command works on the cluster. `waiting`: what it runs in is
 * missing, as `reason` says, and only `up` makes that.
 */
export type Standing = "running" | "backing off" | "held" | "waiting";

/** What the supervisor knows of one component. Times are ISO 8601. */
export interface ComponentState {
  readonly name: string;
  readonly standing: Standing;
  readonly pid?: number;
  /** Start of the process that runs, or end of the last one. */
  readonly since: string;
  /** By the supervisor, since the cluster was made. */
  readonly restarts: number;
  /** Restarts since it last stayed up for a minute: the delay before the next goes by them. */
  readonly attempts: number;
  /** Code and signal are known only of a process that this supervisor started itself. */
  readonly lastEnd?: {
    readonly at: string;
    readonly code?: number;
    readonly signal?: string;
  };
  readonly nextTry?: string;
  readonly reason?: string;
}

export interface SupervisionState {
  /** The supervisor's own process. */
  readonly pid: number;
  readonly since: string;
  readonly components: readonly ComponentState[];
}

/** The file is touched at least this often, so that a supervisor that hangs is told from one that runs. */
export const HEARTBEAT_MS = 5_000;
const SILENT_MS = 30_000;
const BEGUN_MS = 10_000;

/** From so many restarts in a row on the supervisor does not help: `up` may. */
const HOPELESS_ATTEMPTS = 5;

type Files = Pick<ClusterPaths, "pids" | "supervision">;

export function readSupervision({ supervision }: Files): SupervisionState | undefined {
  return readJson(supervision) as SupervisionState | undefined;
}

export function writeSupervision({ supervision }: Files, state: SupervisionState): void {
  writeFileSync(`${supervision}.new`, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${supervision}.new`, supervision);
}

/**
 * Until the supervisor has looked after the components once, for at most ten seconds: before, whoever asks
 * takes it for one that is missing.
 */
export async function waitForSupervisor(paths: Files, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + BEGUN_MS;
  const begun = (pid = daemonPid(paths, AGENT)): boolean =>
    pid !== undefined && readSupervision(paths)?.pid === pid;
  while (!begun() && Date.now() < deadline) {
    await sleep(50, undefined, { signal });
  }
}

/** Whether the supervisor looks after the cluster, or is just being started again by its keeper. */
export function isSupervised(paths: Files): boolean {
  const there = [AGENT, KEEPER].some((name) => daemonPid(paths, name) !== undefined);
  const silentMs =
    Date.now() - (statSync(paths.supervision, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return there && silentMs < SILENT_MS;
}

/** Whether a component that does not run is left to the supervisor: it is about to bring it back. */
export function isBeingRestarted(paths: Files, name: string): boolean {
  if (!isSupervised(paths)) {
    return false;
  }
  const state = readSupervision(paths)?.components.find((it) => it.name === name);
  return state !== undefined && state.standing !== "waiting" && state.attempts < HOPELESS_ATTEMPTS;
}
