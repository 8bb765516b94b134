import type * as pulumi from "@pulumi/pulumi";

import type { EksKubernetesVersion } from "../../config/kubernetes-versions";
import { among, type NodePoolSpec } from "../node-pool";
import type { EksConfig, Place } from "./place";
import { pins } from "./versions";

type Autoscaling = EksConfig["autoscaling"];

export interface NodePoolArgs {
  readonly place: Place;
  /** Minor version whose pinned AMI the nodes start from. */
  readonly kubernetesVersion: EksKubernetesVersion;
  readonly pool: Extract<Autoscaling, { kind: "karpenter" }>;
  readonly zones: readonly string[];
  readonly subnetIds: readonly pulumi.Input<string>[];
  readonly securityGroupId: pulumi.Input<string>;
  readonly keyArn: pulumi.Input<string>;
  readonly nodeRoleName: pulumi.Input<string>;
}

/** `spec` of an EC2NodeClass: as careful as the launch templates of managed groups. */
export function nodeClassSpec(args: NodePoolArgs): Record<string, unknown> {
  const release = pins[args.kubernetesVersion].al2023.split("-")[1] ?? "";
  return {
    amiSelectorTerms: [{ alias: `al2023@v${release}` }],
    role: args.nodeRoleName,
    subnetSelectorTerms: args.subnetIds.map((id) => ({ id })),
    securityGroupSelectorTerms: [{ id: args.securityGroupId }],
    associatePublicIPAddress: false,
    metadataOptions: {
      httpEndpoint: "enabled",
      httpTokens: "required",
      httpPutResponseHopLimit: 1,
    },
    blockDeviceMappings: [
      {
        deviceName: "/dev/xvda",
        ebs: {
          volumeSize: "50Gi",
          volumeType: "gp3",
          encrypted: true,
          kmsKeyID: args.keyArn,
          deleteOnTermination: true,
        },
      },
    ],
    tags: args.place.tags,
  };
}

/** `spec` of a NodePool. */
export function nodePoolSpec(args: NodePoolArgs, nodeClass: string): NodePoolSpec {
  const { pool, zones } = args;
  const capacity = { onDemand: "on-demand", spot: "spot" } as const;
  return {
    template: {
      spec: {
        nodeClassRef: { group: "karpenter.k8s.aws", kind: "EC2NodeClass", name: nodeClass },
        expireAfter: `${pool.expireAfterHours}h`,
        requirements: [
          among("kubernetes.io/os", ["linux"]),
          among("kubernetes.io/arch", pool.architectures),
          among(
            "karpenter.sh/capacity-type",
            pool.capacity.map((one) => capacity[one]),
          ),
          among("topology.kubernetes.io/zone", zones),
          among("karpenter.k8s.aws/instance-category", ["c", "m", "r"]),
          // Older generations cost more for less.
          { key: "karpenter.k8s.aws/instance-generation", operator: "Gt", values: ["5"] },
        ],
      },
    },
    disruption: {
      consolidationPolicy: "WhenEmptyOrUnderutilized",
      consolidateAfter: "1m",
      budgets: [{ nodes: "10%" }],
    },
    limits: { cpu: pool.cpuLimit, memory: pool.memoryLimit },
  };
}
