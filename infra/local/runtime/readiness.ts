import { setTimeout as sleep } from "node:timers/promises";

import type { Api } from "./api";
import { deadComponents } from "./control-plane";
import { LocalClusterError, shortly } from "./errors";
import type { ClusterPaths } from "./paths";
import type { ClusterRecord } from "./spec";
import { componentEnded } from "./startup";

const LOOK_EVERY_MS = 250;
const HEALTH_EVERY_MS = 100;
const READY_MS = 60_000;
/** A process that hangs takes connections all the same. */
const ANSWER_MS = 2_000;
/** A component that cannot run ends within its first seconds. */
const SETTLED_MS = 3_000;

/**
 * Until the API server calls itself ready and every component has stayed up for some seconds: what
 * makes an upgrade final.
 */
export async function waitForControlPlane(
  api: Api,
  record: ClusterRecord,
  paths: ClusterPaths,
  signal?: AbortSignal,
): Promise<void> {
  const started = Date.now();
  for (;;) {
    const answer = await readiness(api);
    const [dead] = deadComponents(record, paths);
    if (dead !== undefined) {
      throw componentEnded(paths, dead);
    }
    if (answer === "ok" && Date.now() - started > SETTLED_MS) {
      return;
    }
    if (Date.now() - started > READY_MS) {
      throw notReady(answer);
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}

/** Until the API server calls itself ready: its own roles and namespaces are there then. */
export async function waitForApiServer(api: Api, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + READY_MS;
  for (let answer = await readiness(api); answer !== "ok"; answer = await readiness(api)) {
    if (Date.now() > deadline) throw notReady(answer);
    await sleep(HEALTH_EVERY_MS, undefined, { signal });
  }
}

function notReady(why: string): LocalClusterError {
  return new LocalClusterError("the API server does not get ready", { why });
}

async function readiness(api: Api): Promise<string> {
  try {
    return await api.call<string>("GET", "/readyz");
  } catch (error) {
    return shortly(error);
  }
}

export interface HealthCheck {
  /** What is waited for. */
  readonly name: string;
  readonly url: string;
  /** Most time, in milliseconds. */
  readonly withinMs: number;
  /** Of the error where it does not come about. */
  readonly hints: { readonly why?: string; readonly fix: string };
}

/** Until a component answers its health check with success. @throws LocalClusterError where it does not in time */
export async function waitUntilHealthy(check: HealthCheck, signal?: AbortSignal): Promise<void> {
  const { name, url, withinMs, hints } = check;
  const deadline = Date.now() + withinMs;
  while (!(await isHealthy(url, signal))) {
    if (Date.now() > deadline) {
      throw new LocalClusterError(`${name} does not get ready`, hints);
    }
    await sleep(HEALTH_EVERY_MS, undefined, { signal });
  }
}

/** @returns whether a component answers its health check with success, and within 2 s */
export async function isHealthy(url: string, signal?: AbortSignal): Promise<boolean> {
  const patience = AbortSignal.timeout(ANSWER_MS);
  const until = signal === undefined ? patience : AbortSignal.any([signal, patience]);
  try {
    return (await fetch(url, { signal: until })).ok;
  } catch {
    return false;
  }
}
