import { kubernetesVersion } from "../../../toolchain/tools";
import { simulatedNodeCount } from "./plan";
import { type ClusterRecord, type ClusterSpec, simulatedNodeName, simulatesNodes } from "./spec";

/** The version that a cluster's control plane has, or comes from while an upgrade is unfinished. */
export function presentVersion({ kubernetes, upgrade }: ClusterRecord): string {
  return upgrade?.from ?? kubernetes;
}

/** What an update of a running cluster would do, one sentence a change that its user must know of. */
export function describeChanges(record: ClusterRecord, spec: ClusterSpec): string[] {
  return [...versionChange(record, spec), ...nodeChanges(record, spec)];
}

function versionChange(record: ClusterRecord, spec: ClusterSpec): string[] {
  const from = presentVersion(record);
  const to = kubernetesVersion(spec.kubernetesVersion);
  if (from === to) {
    return record.upgrade === undefined
      ? []
      : [
          `goes back to Kubernetes ${from}: the interrupted upgrade to ${record.kubernetes} is undone`,
        ];
  }
  const node = record.realNode ? ", then kubelet and kube-proxy; pods keep running" : "";
  return [
    `upgrades Kubernetes from ${from} to ${to} in place: a snapshot of etcd, then the control plane ` +
      `(the API server is away for some seconds)${node}`,
  ];
}

function nodeChanges(record: ClusterRecord, spec: ClusterSpec): string[] {
  const before = record.simulatedNodes;
  const after = simulatedNodeCount(record.realNode, spec.nodes.simulated);
  const autoscaling = spec.nodes.autoscaling === true;
  const names = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, index) => simulatedNodeName(spec.name, from + index))
      .slice(0, 10)
      .join(", ");
  return [
    ...(after > before ? [`adds ${count(after - before)}: ${names(before, after)}`] : []),
    ...(after < before
      ? [
          `removes ${count(before - after)}, after the eviction of its pods: ${names(after, before)}`,
        ]
      : []),
    ...autoscalingChange(record, spec),
    ...(simulatesNodes(record) !== simulatesNodes({ simulatedNodes: after, autoscaling })
      ? ["restarts the control plane, since kwok comes or goes with them; pods keep running"]
      : []),
  ];
}

function autoscalingChange(record: ClusterRecord, { nodes }: ClusterSpec): string[] {
  const [before, after] = [record.autoscaling === true, nodes.autoscaling === true];
  if (before === after) return [];
  return after
    ? ["starts Karpenter, which adds simulated nodes where pods wait for one"]
    : ["removes Karpenter and its nodes, after the eviction of their pods"];
}

function count(nodes: number): string {
  return nodes === 1 ? "1 simulated node" : `${String(nodes)} simulated nodes`;
}
