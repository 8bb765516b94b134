import type { ToolName } from "../../../toolchain/release";
import { LocalClusterError } from "./errors";
import { failedReasons, type Probe, probeHost } from "./probes";
import { type ClusterSpec, DEFAULT_SIMULATED_NODES, simulatesNodes } from "./spec";

/** What saving and restoring etcd's data takes. */
export const SNAPSHOT_TOOLS = ["etcdctl", "etcdutl"] as const satisfies readonly ToolName[];

export const CONTROL_PLANE_TOOLS: readonly ToolName[] = [
  "etcd",
  ...SNAPSHOT_TOOLS,
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubectl",
  "kwokctl",
];

const REAL_NODE_TOOLS: readonly ToolName[] = [
  "containerd",
  "containerd-shim-runc-v2",
  "ctr",
  "runc",
  "ptp",
  "host-local",
  "loopback",
  "portmap",
  "kubelet",
  "kube-proxy",
  "coredns",
  "registry",
  "crane",
];

/** What building an image and pushing it to a registry takes. */
export const IMAGE_TOOLS: readonly ToolName[] = ["crane"];

/** And what brings it from there to the real node. */
export const NODE_IMAGE_TOOLS: readonly ToolName[] = [...IMAGE_TOOLS, "ctr"];

/** What a cluster on this machine would consist of. Nothing is made. */
export interface Plan {
  readonly realNode: boolean;
  readonly simulatedNodes: number;
  /** Whether Karpenter adds simulated nodes. Absent: no. */
  readonly autoscaling?: boolean;
  readonly reasons: readonly string[];
  /** Whether the machine permits a network namespace of the cluster's own. */
  readonly namespace: boolean;
}

/**
 * Decides by trying what the machine permits.
 * @throws LocalClusterError when a real node is demanded and cannot be had
 */
export async function planCluster(spec: ClusterSpec): Promise<Plan> {
  return planFor(spec, await probeHost());
}

/** The decision alone, from what the probes found. */
export function planFor(spec: Pick<ClusterSpec, "nodes">, probes: readonly Probe[]): Plan {
  const reasons = failedReasons(probes);
  const { real, simulated, autoscaling } = spec.nodes;
  const namespace = permits(probes, "namespace");
  if (autoscaling === true && !namespace) throw noNamespace(reasons);
  if (real === "always" && reasons.length > 0) {
    throw new LocalClusterError("this machine does not permit a real node", {
      why: reasons.join("; "),
      fix: "mend that, or set cluster.nodes.real to auto or never",
    });
  }
  const realNode = real !== "never" && reasons.length === 0;
  return {
    realNode,
    simulatedNodes: simulatedNodeCount(realNode, simulated),
    reasons: real === "never" ? ["cluster.nodes.real is never"] : reasons,
    namespace,
    ...(autoscaling === true ? { autoscaling } : {}),
  };
}

/** Karpenter listens on every address there is. */
function noNamespace(reasons: readonly string[]): LocalClusterError {
  return new LocalClusterError("this machine does not permit Karpenter to add nodes", {
    why: `it runs only in a network namespace of the cluster's own (${reasons.join("; ")})`,
    fix: 'mend that, or set cluster.nodes.autoscaling.kind to "none"',
  });
}

/** Without a real node there are always simulated ones: pods must be scheduled somewhere. */
export function simulatedNodeCount(realNode: boolean, asked: number): number {
  return realNode || asked > 0 ? asked : DEFAULT_SIMULATED_NODES;
}

export function requiredTools(
  plan: Pick<Plan, "realNode" | "simulatedNodes" | "autoscaling">,
): ToolName[] {
  return [
    ...CONTROL_PLANE_TOOLS,
    ...(simulatesNodes(plan) ? (["kwok"] as const) : []),
    ...(plan.autoscaling === true ? (["karpenter"] as const) : []),
    ...(plan.realNode ? REAL_NODE_TOOLS : []),
  ];
}

/** One or more sentences for the user: what runs for real, what is simulated, and why. */
export function describePlan(plan: Omit<Plan, "namespace">, kubernetes: string): string {
  const real = plan.realNode
    ? "1 real node (containerd, runc, kubelet, kube-proxy)"
    : "no real node";
  const simulated = `${String(plan.simulatedNodes)} simulated by kwok`;
  const nodes = plan.simulatedNodes > 0 ? `${real} and ${simulated}` : real;
  const parts = [
    `Kubernetes ${kubernetes}: control plane (etcd, kube-apiserver, kube-controller-manager, kube-scheduler), ${nodes}.`,
  ];
  if (plan.autoscaling === true) {
    parts.push("Karpenter adds nodes where pods need them, simulated by kwok, and removes them.");
  }
  if (!plan.realNode) {
    parts.push(
      `Simulated nodes run no containers, so no page is served. Reason: ${plan.reasons.join("; ")}.`,
    );
  }
  return parts.join(" ");
}

function permits(probes: readonly Probe[], name: Probe["name"]): boolean {
  return probes.some((probe) => probe.name === name && probe.ok);
}
