import { arn, type Place } from "./place";
import type { Statement } from "./policy";

/** The controller puts this tag, with the cluster's name, on all that it makes. */
const TAG = "elbv2.k8s.aws/cluster";

/**
 * The rights of the AWS Load Balancer Controller for Network and Application Load Balancers: it changes
 * only what carries its cluster's tag. Left out of what its documentation lists: WAF, Shield, Cognito,
 * IAM certificates and capacity reservations.
 * https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/installation/
 */
export function loadBalancerStatements(place: Place): Statement[] {
  const { clusterName } = place;
  const securityGroups = arn(place, "ec2", "security-group/*");
  const elb = (resource: string) => arn(place, "elasticloadbalancing", resource);
  const groups = elb("targetgroup/*/*");
  const balancers = [elb("loadbalancer/net/*/*"), elb("loadbalancer/app/*/*")];
  const listeners = [elb("listener/net/*/*/*"), elb("listener/app/*/*/*")];
  const rules = [elb("listener-rule/net/*/*/*"), elb("listener-rule/app/*/*/*")];
  const requested = { StringEquals: { [`aws:RequestTag/${TAG}`]: clusterName } };
  const owned = { StringEquals: { [`aws:ResourceTag/${TAG}`]: clusterName } };
  return [
    read,
    {
      Sid: "ReadCertificates",
      Action: "acm:DescribeCertificate",
      Resource: arn(place, "acm", "certificate/*"),
    },
    {
      Sid: "ReadSecurityGroupsOfVpcs",
      Action: "ec2:GetSecurityGroupsForVpc",
      Resource: arn(place, "ec2", "vpc/*"),
    },
    {
      Sid: "CreateServiceLinkedRole",
      Action: "iam:CreateServiceLinkedRole",
      Resource: arn(
        place,
        "iam",
        "role/aws-service-role/elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing",
        { region: "" },
      ),
      Condition: { StringEquals: { "iam:AWSServiceName": "elasticloadbalancing.amazonaws.com" } },
    },
    {
      Sid: "CreateSecurityGroups",
      Action: "ec2:CreateSecurityGroup",
      Resource: securityGroups,
      Condition: requested,
    },
    {
      // accepted RESOURCE_MISMATCH of RolePolicy cluster-load-balancers-role-policy/CreateSecurityGroupsInVpc:
      // a new group needs a right to itself, which is CreateSecurityGroups, and one to its VPC, which this is.
      Sid: "CreateSecurityGroupsInVpc",
      Action: "ec2:CreateSecurityGroup",
      Resource: arn(place, "ec2", "vpc/*"),
    },
    {
      Sid: "TagNewSecurityGroups",
      Action: "ec2:CreateTags",
      Resource: securityGroups,
      Condition: {
        StringEquals: { "ec2:CreateAction": "CreateSecurityGroup", ...requested.StringEquals },
      },
    },
    {
      Sid: "ChangeOwnSecurityGroups",
      Action: ["ec2:CreateTags", "ec2:DeleteTags", "ec2:DeleteSecurityGroup"],
      Resource: securityGroups,
      Condition: owned,
    },
    {
      // The nodes' security group, which EKS makes and tags, lets in what a load balancer sends.
      Sid: "OpenSecurityGroups",
      Action: ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"],
      Resource: [securityGroups, arn(place, "ec2", "security-group-rule/*")],
    },
    {
      Sid: "CreateLoadBalancers",
      Action: ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"],
      Resource: [groups, ...balancers],
      Condition: requested,
    },
    {
      Sid: "TagNewLoadBalancers",
      Action: "elasticloadbalancing:AddTags",
      Resource: [groups, ...balancers, ...listeners, ...rules],
      Condition: requested,
    },
    {
      Sid: "ChangeOwn",
      Action: change,
      Resource: [groups, ...balancers, ...listeners, ...rules],
      Condition: owned,
    },
  ];
}

const read: Statement = {
  Sid: "Read",
  Action: [
    "acm:ListCertificates",
    "ec2:DescribeAccountAttributes",
    "ec2:DescribeAddresses",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeInstances",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeTags",
    "ec2:DescribeVpcPeeringConnections",
    "ec2:DescribeVpcs",
    "elasticloadbalancing:Describe*",
  ],
  Resource: "*",
};

const change = [
  "AddListenerCertificates",
  "AddTags",
  "CreateListener",
  "CreateRule",
  "DeleteListener",
  "DeleteLoadBalancer",
  "DeleteRule",
  "DeleteTargetGroup",
  "DeregisterTargets",
  "ModifyListener",
  "ModifyListenerAttributes",
  "ModifyLoadBalancerAttributes",
  "ModifyRule",
  "ModifyTargetGroup",
  "ModifyTargetGroupAttributes",
  "RegisterTargets",
  "RemoveListenerCertificates",
  "RemoveTags",
  "SetIpAddressType",
  "SetRulePriorities",
  "SetSecurityGroups",
  "SetSubnets",
].map((action) => `elasticloadbalancing:${action}`);
