import type * as pulumi from "@pulumi/pulumi";

import type { AddonSpec } from "./addons";
import { managedPolicy, type Place } from "./place";
import { volumeKeyUse } from "./policy";

/** Lets a pod of the cluster's own onto nodes that are reserved for those. */
export const toleratesSystemNodes = { key: "CriticalAddonsOnly", operator: "Exists" };

/** Daemons that need no node to be active, and without which no node becomes ready. */
export function addonsBeforeNodes(place: Place): AddonSpec[] {
  return [
    { addon: "eks-pod-identity-agent" },
    { addon: "kube-proxy" },
    {
      addon: "vpc-cni",
      // Without it a NetworkPolicy is stored and changes nothing.
      configuration: { enableNetworkPolicy: "true" },
      identity: {
        serviceAccount: "aws-node",
        managedPolicies: [managedPolicy(place, "AmazonEKS_CNI_Policy")],
      },
    },
  ];
}

export interface AddonOptions {
  readonly place: Place;
  /** Encrypts volumes. */
  readonly keyArn: pulumi.Input<string>;
  readonly sharedFileSystem: boolean;
  /** Pods mount entries of AWS Secrets Manager, each with its own role. */
  readonly externalSecrets: boolean;
  /** EKS runs DNS, the network and volumes itself. */
  readonly autoMode: boolean;
}

/** Deployments, which stay degraded until there is a node for them. */
export function addonsAfterNodes(options: AddonOptions): AddonSpec[] {
  const { place, sharedFileSystem, externalSecrets, autoMode } = options;
  return [
    ...(autoMode ? [] : [coredns, ebsDriver(options)]),
    ...(sharedFileSystem ? [efsDriver(place)] : []),
    // Without a role: it reads with that of the pod that mounts.
    ...(externalSecrets ? [{ addon: "aws-secrets-store-csi-driver-provider" } as const] : []),
    {
      addon: "metrics-server",
      configuration: { replicas: 2, tolerations: [toleratesSystemNodes] },
    },
  ];
}

const coredns: AddonSpec = {
  addon: "coredns",
  configuration: {
    replicaCount: 2,
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "topology.kubernetes.io/zone",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: { "k8s-app": "kube-dns" } },
      },
    ],
  },
};

function ebsDriver({ place, keyArn }: AddonOptions): AddonSpec {
  return {
    addon: "aws-ebs-csi-driver",
    configuration: { controller: { extraVolumeTags: place.tags } },
    identity: {
      serviceAccount: "ebs-csi-controller-sa",
      // Volumes of this cluster only, by the tags that Pod Identity gives the session.
      managedPolicies: [managedPolicy(place, "AmazonEBSCSIDriverEKSClusterScopedPolicy")],
      statements: volumeKeyUse(keyArn),
    },
  };
}

function efsDriver(place: Place): AddonSpec {
  return {
    addon: "aws-efs-csi-driver",
    configuration: { controller: { tolerations: [toleratesSystemNodes] } },
    identity: {
      serviceAccount: "efs-csi-controller-sa",
      managedPolicies: [managedPolicy(place, "service-role/AmazonEFSCSIDriverPolicy")],
    },
  };
}
