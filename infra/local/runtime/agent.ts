import { writeFileSync } from "node:fs";
import { join } from "node:path";

import type { ClusterPaths } from "./paths";
import { readText, startDaemon, stopDaemon } from "./process";
import type { ClusterRecord } from "./spec";

/** Name of the agent among the cluster's daemons. */
export const AGENT = "agent";

/** The agent's settings file; as its argument it also marks the agent's process. */
export function agentSettings(paths: Pick<ClusterPaths, "root">): string {
  return join(paths.root, "agent.json");
}

/** The agent is this project's own program: the same Node, a bundle beside the plugin's. */
export async function startAgent(
  record: ClusterRecord,
  paths: ClusterPaths,
  projectRoot: string,
): Promise<void> {
  const program = join(projectRoot, "dist", "local", "agent.js");
  const settings = {
    kubeconfig: paths.kubeconfig,
    apiServerPort: record.ports.apiServer,
    loadBalancerAddress: record.spec.loadBalancerAddress,
    // Simulated nodes have nobody to forward to.
    nodeAddress: record.realNode ? record.network.address : null,
  };
  const file = agentSettings(paths);
  const text = JSON.stringify(settings);
  if (readText(file) !== text) {
    await stopDaemon(paths, AGENT);
    writeFileSync(file, text, { mode: 0o600 });
  }
  const args = ["--max-old-space-size=64", "--max-semi-space-size=1", program, file];
  startDaemon(paths, { name: AGENT, command: { file: process.execPath, args } });
}
