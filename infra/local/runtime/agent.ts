import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { daemonPid, startDaemon, stopDaemon } from "./daemon";
import { LocalClusterError } from "./errors";
import type { ClusterPaths } from "./paths";
import { readText } from "./process";
import { type ClusterRecord, type NetworkRecord, realNodeName } from "./spec";

/** Name of the agent among the cluster's daemons: supervisor, load balancer and network policies in one process. */
export const AGENT = "agent";

/** Name of the agent's parent, which starts it again; the supervisor in turn starts the keeper. */
export const KEEPER = "agent-keeper";

/**
 * One that is started by the supervisor waits here for the supervisor's end. An agent that ends
 * within seconds is not started at once, so that a broken one does not use up the machine.
 */
const KEEPER_SCRIPT = `read -r _
while :; do
  began=$(date +%s)
  "$@" </dev/null
  [ $(($(date +%s) - began)) -ge 10 ] || sleep 2
done`;

const START_MS = 20_000;

/** Written by the runtime, read by the agent. */
export interface AgentSettings {
  /** The project's folder and the cluster's name: where all its files are. */
  readonly projectRoot: string;
  readonly clusterName: string;
  readonly kubeconfig: string;
  readonly apiServerPort: number;
  readonly loadBalancerAddress: string;
  /** Where NodePorts answer; null: no node serves, so only addresses are assigned. */
  readonly nodeAddress: string | null;
  /** What to add to a NodePort to have the port at which it answers there. Default 0. */
  readonly nodePortOffset?: number;
  /** Where network policies are enforced, and the node whose pods they are for. Default: nowhere. */
  readonly networkPolicy?: { readonly network: NetworkRecord; readonly node: string };
}

/** The agent's settings file; as an argument it also marks the processes of agent and keeper. */
export function agentSettings(paths: Pick<ClusterPaths, "root">): string {
  return join(paths.root, "agent.json");
}

export async function startAgent(
  record: ClusterRecord,
  paths: ClusterPaths,
  projectRoot: string,
): Promise<void> {
  await runAgent(paths, {
    projectRoot,
    clusterName: record.spec.name,
    kubeconfig: paths.kubeconfig,
    apiServerPort: record.ports.apiServer,
    loadBalancerAddress: record.spec.loadBalancerAddress,
    // Simulated nodes have nobody to forward to.
    nodeAddress: record.realNode ? record.network.address : null,
    ...(record.realNode
      ? { networkPolicy: { network: record.network, node: realNodeName(record.spec.name) } }
      : {}),
  });
}

/** The agent is this project's own program: the same Node, a bundle beside the plugin's. */
export async function runAgent(paths: ClusterPaths, settings: AgentSettings): Promise<void> {
  const program = join(settings.projectRoot, "dist", "local", "agent.js");
  const file = agentSettings(paths);
  const text = JSON.stringify(settings);
  if (readText(file) !== text) {
    await stopAgent(paths);
    writeFileSync(file, text, { mode: 0o600 });
  }
  const keeper = daemonPid(paths, KEEPER);
  if (keeper === undefined && daemonPid(paths, AGENT) !== undefined) {
    // The agent that runs starts its keeper again, as soon as it may.
    return;
  }
  const node = ["--max-old-space-size=64", "--max-semi-space-size=1", program, file];
  const args = ["-c", KEEPER_SCRIPT, KEEPER, process.execPath, ...node];
  const command = { file: "/bin/sh", args };
  startDaemon(paths, { name: KEEPER, command, outlivesSupervisor: true });
}

/** Until the agent has begun to look after the components. */
export async function waitForAgent(paths: ClusterPaths, signal?: AbortSignal): Promise<void> {
  for (let waited = 0; daemonPid(paths, AGENT) === undefined; waited += 50) {
    if (waited >= START_MS) {
      throw new LocalClusterError("the cluster's agent does not start", {
        why: `it is not there after ${String(START_MS / 1000)} s`,
        fix: `see ${join(paths.logs, `${KEEPER}.log`)}`,
      });
    }
    await sleep(50, undefined, { signal });
  }
}

/** First the keeper, which would start the agent again. The caller holds the supervision. */
export async function stopAgent(paths: ClusterPaths): Promise<void> {
  await stopDaemon(paths, KEEPER);
  await stopDaemon(paths, AGENT);
}
