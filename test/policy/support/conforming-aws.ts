import type { Fixture } from "./world";

const defaultTags = { tags: { project: "drydock", stack: "prod" } };

const aws = (
  type: string,
  name: string,
  inputs: Fixture["inputs"],
  more: Partial<Fixture> = {},
): Fixture => ({ type: `aws:${type}`, name, inputs, provider: { defaultTags }, ...more });

const trust = (service: string, ...actions: string[]) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Principal: { Service: service }, Action: ["sts:AssumeRole", ...actions] },
    ],
  });

const policy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: ["s3:GetObject"], Resource: "arn:aws:s3:::site/*" }],
});

const keyPolicy = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Principal: { AWS: "arn:aws:iam::111122223333:root" },
      Action: "kms:*",
      Resource: "*",
    },
  ],
};

const LOG_TYPES = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

const privateSubnet = (zone: string): Fixture[] => [
  aws("ec2/subnet:Subnet", `private-${zone}`, { availabilityZone: `eu-central-1${zone}` }),
  aws(
    "ec2/routeTableAssociation:RouteTableAssociation",
    `private-${zone}-routes`,
    {},
    { from: { subnetId: [`private-${zone}`], routeTableId: ["private-table"] } },
  ),
];

const network: readonly Fixture[] = [
  aws("ec2/vpc:Vpc", "vpc", { cidrBlock: "10.0.0.0/16" }),
  aws("ec2/flowLog:FlowLog", "flow-log", { trafficType: "ALL" }, { from: { vpcId: ["vpc"] } }),
  aws(
    "ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "default-group",
    {},
    { from: { vpcId: ["vpc"] } },
  ),
  aws("ec2/internetGateway:InternetGateway", "internet", {}),
  aws("ec2/natGateway:NatGateway", "nat", {}),
  aws("ec2/routeTable:RouteTable", "private-table", {}, { from: { vpcId: ["vpc"] } }),
  aws("ec2/routeTable:RouteTable", "public-table", {}, { from: { vpcId: ["vpc"] } }),
  aws(
    "ec2/route:Route",
    "to-nat",
    { destinationCidrBlock: "0.0.0.0/0" },
    { from: { routeTableId: ["private-table"], natGatewayId: ["nat"] } },
  ),
  aws(
    "ec2/route:Route",
    "to-internet",
    { destinationCidrBlock: "0.0.0.0/0" },
    { from: { routeTableId: ["public-table"], gatewayId: ["internet"] } },
  ),
  ...["a", "b"].flatMap(privateSubnet),
  aws("ec2/subnet:Subnet", "public-a", { availabilityZone: "eu-central-1a" }),
  aws(
    "ec2/routeTableAssociation:RouteTableAssociation",
    "public-a-routes",
    {},
    { from: { subnetId: ["public-a"], routeTableId: ["public-table"] } },
  ),
  aws("ec2/securityGroup:SecurityGroup", "group", {
    description: "Lets the office in.",
    ingress: [{ cidrBlocks: ["192.0.2.0/24"], fromPort: 443, toPort: 443, protocol: "tcp" }],
    egress: [{ cidrBlocks: ["0.0.0.0/0"], fromPort: 0, toPort: 0, protocol: "-1" }],
  }),
  aws("vpc/securityGroupIngressRule:SecurityGroupIngressRule", "group-ingress", {
    description: "The office.",
    cidrIpv4: "192.0.2.0/24",
  }),
  aws("ec2/securityGroupRule:SecurityGroupRule", "group-rule", {
    description: "The office.",
    type: "ingress",
    cidrBlocks: ["192.0.2.0/24"],
  }),
  aws("lb/loadBalancer:LoadBalancer", "balancer", {
    loadBalancerType: "application",
    accessLogs: { enabled: true, bucket: "logs" },
    enableDeletionProtection: true,
    dropInvalidHeaderFields: true,
  }),
  aws("lb/listener:Listener", "listener", {
    protocol: "HTTPS",
    sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
    defaultActions: [{ type: "forward" }],
  }),
];

const cluster: readonly Fixture[] = [
  aws(
    "eks/cluster:Cluster",
    "cluster",
    {
      version: "1.35",
      vpcConfig: { endpointPublicAccess: true, publicAccessCidrs: ["192.0.2.0/24"] },
      encryptionConfig: { provider: { keyArn: "arn:aws:kms:eu-central-1:111122223333:key/1" } },
      enabledClusterLogTypes: LOG_TYPES,
      accessConfig: { authenticationMode: "API" },
      upgradePolicy: { supportType: "STANDARD" },
      deletionProtection: true,
    },
    { protect: true },
  ),
  {
    type: "eks:index:Cluster",
    name: "control-plane",
    protect: true,
    provider: { defaultTags: JSON.stringify(defaultTags) },
    inputs: {
      version: "1.35",
      endpointPublicAccess: false,
      encryptionConfigKeyArn: "arn:aws:kms:eu-central-1:111122223333:key/1",
      enabledClusterLogTypes: LOG_TYPES,
      authenticationMode: "API",
      accessEntries: { admins: { principalArn: "arn:1", kubernetesGroups: ["shop-admins"] } },
      upgradePolicy: { supportType: "STANDARD" },
      deletionProtection: true,
    },
  },
  aws("eks/accessEntry:AccessEntry", "entry", { kubernetesGroups: ["shop-readers"] }),
  aws("ec2/launchTemplate:LaunchTemplate", "template", {
    metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
    blockDeviceMappings: [{ deviceName: "/dev/xvda", ebs: { encrypted: "true" } }],
    networkInterfaces: [{ associatePublicIpAddress: "false" }],
  }),
  aws(
    "eks/nodeGroup:NodeGroup",
    "nodes",
    { scalingConfig: { minSize: 3, maxSize: 6, desiredSize: 3 } },
    { from: { subnetIds: ["private-a", "private-b"], nodeRoleArn: ["node-role"] } },
  ),
  aws("eks/addon:Addon", "cni", {
    addonName: "vpc-cni",
    addonVersion: "v1.20.0-eksbuild.1",
    configurationValues: '{"enableNetworkPolicy":"true"}',
  }),
];

const identity: readonly Fixture[] = [
  aws("iam/role:Role", "node-role", { assumeRolePolicy: trust("ec2.amazonaws.com") }),
  aws(
    "iam/rolePolicyAttachment:RolePolicyAttachment",
    "node-policy",
    { policyArn: "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy" },
    { from: { role: ["node-role"] } },
  ),
  ...["web", "db", "agent", "once", "nightly"].flatMap((name) => [
    aws("iam/role:Role", `${name}-role`, {
      assumeRolePolicy: trust("pods.eks.amazonaws.com", "sts:TagSession"),
    }),
    aws(
      "eks/podIdentityAssociation:PodIdentityAssociation",
      `${name}-identity`,
      { namespace: "shop", serviceAccount: name },
      { from: { roleArn: [`${name}-role`] } },
    ),
  ]),
  aws("iam/policy:Policy", "policy", { policy }),
];

const data: readonly Fixture[] = [
  aws(
    "kms/key:Key",
    "key",
    { enableKeyRotation: true, deletionWindowInDays: 30, policy: keyPolicy },
    { protect: true },
  ),
  aws(
    "ecr/repository:Repository",
    "registry",
    {
      imageScanningConfiguration: { scanOnPush: true },
      imageTagMutability: "IMMUTABLE",
      encryptionConfigurations: [{ encryptionType: "KMS" }],
    },
    { protect: true },
  ),
  aws("s3/bucket:Bucket", "bucket", { acl: "private", forceDestroy: false }, { protect: true }),
  aws(
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "bucket-block",
    {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    { from: { bucket: ["bucket"] } },
  ),
  aws(
    "s3/bucketVersioning:BucketVersioning",
    "bucket-versions",
    { versioningConfiguration: { status: "Enabled" } },
    { from: { bucket: ["bucket"] } },
  ),
  aws("efs/fileSystem:FileSystem", "files", { encrypted: true }, { protect: true }),
  aws("ebs/volume:Volume", "volume", { encrypted: true }, { protect: true }),
  aws("cloudwatch/logGroup:LogGroup", "log", { retentionInDays: 90 }),
];

/** A cluster on AWS and what belongs to it. */
export const awsResources: readonly Fixture[] = [...network, ...cluster, ...identity, ...data];
