import { randomUUID } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { kubernetesVersion } from "../../../toolchain/tools";
import type { Tools } from "./control-plane";
import { planNamespace } from "./network";
import type { ClusterPaths } from "./paths";
import { type Plan, planCluster, simulatedNodeCount } from "./plan";
import { choosePorts, portsFree } from "./ports";
import { readText } from "./process";
import type { ClusterRecord, ClusterSpec } from "./spec";

export function readRecord(paths: Pick<ClusterPaths, "record">): ClusterRecord | undefined {
  const text = readText(paths.record);
  return text === undefined ? undefined : (JSON.parse(text) as ClusterRecord);
}

/** Paths of the tools that the cluster was last started with. */
export function readTools(paths: ClusterPaths): Tools {
  const text = readText(join(paths.root, "tools.json"));
  return text === undefined ? {} : (JSON.parse(text) as Tools);
}

export function saveTools(paths: ClusterPaths, tools: Tools): void {
  writeFileSync(join(paths.root, "tools.json"), JSON.stringify(tools));
}

export function saveRecord(paths: ClusterPaths, record: ClusterRecord): void {
  const draft = `${paths.record}.new`;
  writeFileSync(draft, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, paths.record);
}

/** The record of a cluster that is not there yet: the plan with addresses and ports. */
export async function newRecord(spec: ClusterSpec, plan?: Plan): Promise<ClusterRecord> {
  const { namespace, ...nodes } = plan ?? (await planCluster(spec));
  const network = namespace
    ? await planNamespace(spec.name)
    : ({ kind: "loopback", address: "127.0.0.1" } as const);
  const ports = await choosePorts(network);
  const kubernetes = kubernetesVersion(spec.kubernetesVersion);
  return { uid: randomUUID(), spec, kubernetes, ...nodes, network, ports };
}

/**
 * The record of a cluster that is there, with what the spec changed: the aim, which an upgrade may
 * still have to reach. Whether a node is real stays as it was: another answer is another cluster.
 *
 * @param stopped no process of its control plane runs
 */
export async function updatedRecord(
  existing: ClusterRecord,
  spec: ClusterSpec,
  stopped: boolean,
): Promise<ClusterRecord> {
  const { realNode, network } = existing;
  const taken = stopped && !(await portsFree(network, existing.ports));
  const ports = taken ? await choosePorts(network) : existing.ports;
  const simulatedNodes = simulatedNodeCount(realNode, spec.nodes.simulated);
  const kubernetes = kubernetesVersion(spec.kubernetesVersion);
  const autoscaling = spec.nodes.autoscaling === true;
  return { ...settled(existing), spec, kubernetes, simulatedNodes, autoscaling, ports };
}

/** The record without an unfinished upgrade. */
export function settled({ ...record }: ClusterRecord): ClusterRecord {
  delete (record as { upgrade?: unknown }).upgrade;
  return record;
}
