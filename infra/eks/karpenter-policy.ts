import type * as pulumi from "@pulumi/pulumi";

import { arn, clusterArn, type Place } from "./place";
import { type Statement, volumeKeyUse } from "./policy";

export interface KarpenterRights {
  readonly place: Place;
  readonly nodeRoleArn: pulumi.Input<string>;
  readonly queueArn: pulumi.Input<string>;
  /** Encrypts the disks of nodes. */
  readonly keyArn: pulumi.Input<string>;
}

/**
 * The rights of Karpenter: it makes and removes only what carries the tags of this cluster and of one
 * of its node pools. https://karpenter.sh/docs/reference/cloudformation/
 */
export function karpenterStatements(rights: KarpenterRights): Statement[] {
  const { place } = rights;
  return [
    ...read(rights),
    ...launch(place),
    ...instanceProfiles(rights),
    ...volumeKeyUse(rights.keyArn),
  ];
}

function read({ place, queueArn }: KarpenterRights): Statement[] {
  return [
    { Sid: "ReadCluster", Action: "eks:DescribeCluster", Resource: clusterArn(place) },
    {
      Sid: "ReadEc2",
      Action: "ec2:Describe*",
      Resource: "*",
      Condition: { StringEquals: { "aws:RequestedRegion": place.region } },
    },
    { Sid: "ReadPrices", Action: "pricing:GetProducts", Resource: "*" },
    {
      // accepted RESOURCE_MISMATCH of RolePolicy cluster-karpenter-role-policy/ReadAmis:
      // the parameters that AWS publishes belong to no account, which the linter does not know.
      Sid: "ReadAmis",
      Action: "ssm:GetParameter",
      Resource: arn(place, "ssm", "parameter/aws/service/*", { accountId: "" }),
    },
    {
      Sid: "ReceiveWarnings",
      Action: ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"],
      Resource: queueArn,
    },
  ];
}

const LAUNCH = ["ec2:CreateFleet", "ec2:RunInstances"];

function launch(place: Place): Statement[] {
  const ec2 = (resource: string) => arn(place, "ec2", `${resource}/*`);
  const made = [
    "fleet",
    "instance",
    "launch-template",
    "network-interface",
    "spot-instances-request",
    "volume",
  ].map(ec2);
  const requested = ownTags(place, "RequestTag");
  const owned = ownTags(place, "ResourceTag");
  return [
    {
      // accepted RESOURCE_MISMATCH of RolePolicy cluster-karpenter-role-policy/LaunchFrom:
      // a launch needs a right to each thing that takes part in it; this and the next two are it together.
      Sid: "LaunchFrom",
      Action: LAUNCH,
      Resource: [
        arn(place, "ec2", "image/*", { accountId: "" }),
        arn(place, "ec2", "snapshot/*", { accountId: "" }),
        ec2("security-group"),
        ec2("subnet"),
      ],
    },
    {
      // accepted RESOURCE_MISMATCH of RolePolicy cluster-karpenter-role-policy/LaunchFromOwnTemplates:
      // a part of the same right: the templates must be Karpenter's own.
      Sid: "LaunchFromOwnTemplates",
      Action: LAUNCH,
      Resource: ec2("launch-template"),
      Condition: owned,
    },
    {
      // accepted RESOURCE_MISMATCH of RolePolicy cluster-karpenter-role-policy/LaunchTagged:
      // a part of the same right: what is made must carry the cluster's tags, what is used need not.
      Sid: "LaunchTagged",
      Action: [...LAUNCH, "ec2:CreateLaunchTemplate"],
      Resource: made,
      Condition: requested,
    },
    {
      Sid: "TagAtLaunch",
      Action: "ec2:CreateTags",
      Resource: made,
      Condition: {
        ...requested,
        StringEquals: {
          ...requested.StringEquals,
          "ec2:CreateAction": ["CreateFleet", "CreateLaunchTemplate", "RunInstances"],
        },
      },
    },
    {
      Sid: "NameOwnInstances",
      Action: "ec2:CreateTags",
      Resource: ec2("instance"),
      Condition: {
        ...owned,
        "ForAllValues:StringEquals": {
          "aws:TagKeys": ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"],
        },
      },
    },
    {
      Sid: "RemoveOwn",
      Action: ["ec2:DeleteLaunchTemplate", "ec2:TerminateInstances"],
      Resource: [ec2("instance"), ec2("launch-template")],
      Condition: owned,
    },
  ];
}

function instanceProfiles({ place, nodeRoleArn }: KarpenterRights): Statement[] {
  const Resource = arn(place, "iam", "instance-profile/*", { region: "" });
  const tags = (of: "RequestTag" | "ResourceTag") => ({
    StringEquals: {
      [`aws:${of}/kubernetes.io/cluster/${place.clusterName}`]: "owned",
      [`aws:${of}/topology.kubernetes.io/region`]: place.region,
    },
    StringLike: { [`aws:${of}/karpenter.k8s.aws/ec2nodeclass`]: "*" },
  });
  return [
    {
      Sid: "GiveNodesTheirRole",
      Action: "iam:PassRole",
      Resource: nodeRoleArn,
      Condition: { StringEquals: { "iam:PassedToService": "ec2.amazonaws.com" } },
    },
    {
      Sid: "MakeInstanceProfiles",
      Action: ["iam:CreateInstanceProfile", "iam:TagInstanceProfile"],
      Resource,
      Condition: tags("RequestTag"),
    },
    {
      Sid: "ChangeOwnInstanceProfiles",
      Action: [
        "iam:AddRoleToInstanceProfile",
        "iam:DeleteInstanceProfile",
        "iam:RemoveRoleFromInstanceProfile",
      ],
      Resource,
      Condition: tags("ResourceTag"),
    },
    { Sid: "ReadInstanceProfiles", Action: "iam:GetInstanceProfile", Resource },
    { Sid: "ListInstanceProfiles", Action: "iam:ListInstanceProfiles", Resource: "*" },
  ];
}

function ownTags({ clusterName }: Place, of: "RequestTag" | "ResourceTag") {
  return {
    StringEquals: { [`aws:${of}/kubernetes.io/cluster/${clusterName}`]: "owned" },
    StringLike: { [`aws:${of}/karpenter.sh/nodepool`]: "*" },
  };
}
