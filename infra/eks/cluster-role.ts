import type * as pulumi from "@pulumi/pulumi";

import { managedPolicy, type Place } from "./place";
import { serviceTrust, type Statement, volumeKeyUse } from "./policy";
import type { RoleArgs } from "./role";

export interface ClusterRoleArgs {
  readonly place: Place;
  readonly secretsKeyArn: pulumi.Input<string>;
  readonly dataKeyArn: pulumi.Input<string>;
  readonly autoMode: boolean;
}

/** What the control plane may do; in Auto Mode it also runs nodes, volumes and load balancers. */
export function clusterRole(args: ClusterRoleArgs): RoleArgs {
  const { place, autoMode } = args;
  const trust = serviceTrust("eks.amazonaws.com");
  const policies = [
    "AmazonEKSClusterPolicy",
    ...(autoMode
      ? [
          "AmazonEKSBlockStoragePolicy",
          "AmazonEKSComputePolicy",
          "AmazonEKSLoadBalancingPolicy",
          "AmazonEKSNetworkingPolicy",
        ]
      : []),
  ];
  return {
    description: `The control plane of ${place.clusterName}`,
    trust: autoMode ? { ...trust, Action: ["sts:AssumeRole", "sts:TagSession"] } : trust,
    managedPolicies: policies.map((name) => managedPolicy(place, name)),
    statements: [
      encryptSecrets(args.secretsKeyArn),
      ...(autoMode ? volumeKeyUse(args.dataKeyArn) : []),
    ],
  };
}

function encryptSecrets(keyArn: pulumi.Input<string>): Statement {
  return {
    Sid: "EncryptSecrets",
    Action: ["kms:Encrypt", "kms:Decrypt", "kms:ListGrants", "kms:DescribeKey"],
    Resource: keyArn,
  };
}
