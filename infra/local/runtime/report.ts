import { existsSync } from "node:fs";

import { readPolicyStatus } from "../network-policy/status";
import { AGENT } from "./agent";
import { componentPid, daemonPid, recordedComponents } from "./daemon";
import { isMountPoint } from "./mounts";
import type { ClusterPaths } from "./paths";
import { startedAt } from "./process";
import { type ComponentState, isSupervised, readSupervision } from "./supervision";

/** What a person asks of one component. */
export interface ComponentReport {
  readonly name: string;
  /** `ok`: it runs. `restarting`: it is about to. `down`: nobody brings it back but `up`. */
  readonly condition: "ok" | "restarting" | "down";
  /** In plain words: since when, how often restarted, how it last ended. */
  readonly text: string;
}

/** One report a component of a cluster, the supervisor first; undefined where there is no cluster. */
export function reportComponents(
  paths: ClusterPaths,
  now: number = Date.now(),
): ComponentReport[] | undefined {
  if (!existsSync(paths.record)) {
    return undefined;
  }
  const supervised = isSupervised(paths);
  const states = readSupervision(paths)?.components ?? [];
  const agent = daemonPid(paths, AGENT);
  const recorded = recordedComponents(paths);
  const components = recorded.map((component): ComponentReport => {
    const state = states.find((it) => it.name === component.name);
    return reportOne(component.name, componentPid(component), state, supervised, now);
  });
  const namespaces = new Set(recorded.flatMap(({ command }) => command.namespaces ?? []));
  const missing = [...namespaces].filter((file) => !isMountPoint(file));
  return [
    reportSupervisor(agent, supervised, now),
    ...reportPolicies(paths, now),
    ...missing.map((name): ComponentReport => ({ name, condition: "down", text: "missing" })),
    ...components,
  ];
}

function reportSupervisor(
  pid: number | undefined,
  supervised: boolean,
  now: number,
): ComponentReport {
  const name = "supervisor and load balancer";
  if (!supervised) {
    const text =
      pid === undefined ? "not running: nothing is started again" : `pid ${String(pid)} hangs`;
    return { name, condition: "down", text };
  }
  return pid === undefined
    ? { name, condition: "restarting", text: "being started again" }
    : { name, condition: "ok", text: `up ${duration(now - (startedAt(pid) ?? now))}` };
}

/** Rules hold without the agent; only their change is its work. None where no node has pods. */
function reportPolicies(paths: ClusterPaths, now: number): ComponentReport[] {
  const status = readPolicyStatus(paths);
  if (status === undefined) {
    return [];
  }
  const { at, policies, pods, problem } = status;
  const count = `${String(policies)} for ${String(pods)} pods`;
  const text =
    problem === undefined
      ? `enforced, ${count}, rules of ${duration(now - Date.parse(at))} ago`
      : `not up to date: ${problem}`;
  return [
    { name: "network policies", condition: problem === undefined ? "ok" : "restarting", text },
  ];
}

function reportOne(
  name: string,
  pid: number | undefined,
  state: ComponentState | undefined,
  supervised: boolean,
  now: number,
): ComponentReport {
  const history = state === undefined ? "" : describeRestarts(state);
  if (pid !== undefined) {
    const uptime = now - (startedAt(pid) ?? now);
    return { name, condition: "ok", text: `up ${duration(uptime)}${history}` };
  }
  if (!supervised || state === undefined || state.standing === "waiting") {
    const reason = supervised && state?.reason !== undefined ? ` (${state.reason})` : "";
    return { name, condition: "down", text: `not running${reason}${history}` };
  }
  const next =
    state.standing === "held"
      ? "another command works on the cluster"
      : `next try in ${duration(Math.max(0, Date.parse(state.nextTry ?? "") - now) || 0)}`;
  return { name, condition: "restarting", text: `ended, ${next}${history}` };
}

/** How often, and how the last process ended where that is known. */
function describeRestarts({ restarts, lastEnd }: ComponentState): string {
  const times = restarts === 1 ? "1 restart" : `${String(restarts)} restarts`;
  const code = lastEnd?.code === undefined ? undefined : `exit code ${String(lastEnd.code)}`;
  const how = lastEnd?.signal ?? code;
  const last = how === undefined ? "" : ` (last end: ${how})`;
  return restarts === 0 ? "" : `, ${times}${last}`;
}

/** The two largest units: "3 s", "5 min 2 s", "2 h 40 min", "3 d 1 h". */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  const shown = first < 0 ? parts.slice(3) : parts.slice(first, first + 2);
  return shown
    .filter(([count], index) => count > 0 || index === 0)
    .map(([count, unit]) => `${String(count)} ${unit}`)
    .join(" ");
}
