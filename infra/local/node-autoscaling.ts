import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { among, type NodePoolSpec } from "../node-pool";
import { type ClusterSpec, LOCAL_REGION, simulatedTaints } from "./runtime/spec";

const GROUP = "karpenter.kwok.sh";
const KIND = "KWOKNodeClass";
/** Of the pool and of its class, and so in the names of the nodes. */
const POOL = "simulated";

export interface NodeAutoscalingArgs {
  /** Bound of all its nodes together, as quantities of Kubernetes. */
  readonly cpuLimit: string;
  readonly memoryLimit: string;
  readonly consolidateAfterSeconds: number;
  /** Labels and taints of simulated nodes. */
  readonly nodes: Pick<ClusterSpec["nodes"], "labels" | "taints">;
  /** Whether pods that must serve have another place to go to. */
  readonly realNode: boolean;
}

/**
 * The pool of nodes that Karpenter may make on a local cluster. Its cloud is kwok: nodes and the pods on
 * them are simulated. Karpenter itself, with the kinds used here, is a process of the cluster.
 */
export class NodeAutoscaling extends pulumi.ComponentResource {
  constructor(name: string, args: NodeAutoscalingArgs, opts: pulumi.ComponentResourceOptions) {
    super("drydock:infra:NodeAutoscaling", name, {}, opts);
    const metadata = { name: POOL };
    const nodeClass = new k8s.apiextensions.CustomResource(
      `${name}-node-class`,
      { apiVersion: `${GROUP}/v1alpha1`, kind: KIND, metadata },
      { parent: this },
    );
    new k8s.apiextensions.CustomResource(
      `${name}-node-pool`,
      { apiVersion: "karpenter.sh/v1", kind: "NodePool", metadata, spec: localNodePoolSpec(args) },
      { parent: this, dependsOn: [nodeClass] },
    );
    this.registerOutputs({});
  }
}

/** Labels and taints are those of the simulated nodes that are configured by number. */
export function localNodePoolSpec(args: NodeAutoscalingArgs): NodePoolSpec {
  const { cpuLimit, memoryLimit, nodes, realNode } = args;
  const labels = { "topology.kubernetes.io/region": LOCAL_REGION, ...nodes.labels?.simulated };
  const taints = simulatedTaints(nodes, realNode);
  return {
    template: {
      metadata: { labels },
      spec: {
        nodeClassRef: { group: GROUP, kind: KIND, name: POOL },
        // There is no machine image that could grow old.
        expireAfter: "Never",
        requirements: [
          among("kubernetes.io/os", ["linux"]),
          among("kubernetes.io/arch", ["amd64"]),
          among("karpenter.sh/capacity-type", ["on-demand"]),
        ],
        ...(taints.length > 0 ? { taints } : {}),
      },
    },
    disruption: {
      consolidationPolicy: "WhenEmptyOrUnderutilized",
      consolidateAfter: `${String(args.consolidateAfterSeconds)}s`,
      // Nothing runs there that could suffer; disruption budgets of pods hold all the same.
      budgets: [{ nodes: "100%" }],
    },
    limits: { cpu: cpuLimit, memory: memoryLimit },
  };
}
