import { Secret, type PropertyMap } from "../../../toolchain/plugin/values";
import { textOf } from "../recorded";
import type { ResourceModel } from "../recorder";

const ACCOUNT = "111122223333";

/** A resource whose ARN, and whatever else is named, only AWS can tell. */
function made(computed: (name: string) => PropertyMap = () => ({})): ResourceModel {
  return ({ name }) => ({ computed: { ...computed(name) } });
}

/** Most ARNs are of this form; the region is of no importance to a test. */
const arn = (service: string, resource: string) =>
  `arn:aws:${service}:eu-central-1:${ACCOUNT}:${resource}`;

const withArn = (service: string, kind: string) =>
  made((name) => ({ arn: arn(service, `${kind}/${name}`) }));

/**
 * A name is known as soon as it is given; where it is not, Pulumi's provider makes one up at the preview: x
 * stands for what it draws.
 */
const named =
  (key: string, computed: (name: string) => PropertyMap = () => ({})): ResourceModel =>
  ({ name, inputs }) => ({
    known: { [key]: inputs[key] ?? `${name}-xxxxxxx` },
    computed: computed(name),
  });

/** What AWS adds to the resources that the program uses: computed fields that another one reads. */
export const awsModel: Readonly<Record<string, ResourceModel>> = {
  "pulumi:providers:aws": () => ({}),
  "aws:cloudwatch/eventRule:EventRule": named("name", (name) => ({
    arn: arn("events", `rule/${name}`),
  })),
  "aws:cloudwatch/eventTarget:EventTarget": made(),
  "aws:cloudwatch/logGroup:LogGroup": ({ inputs }) => ({
    computed: { arn: arn("logs", `log-group:${textOf(inputs.name)}`) },
  }),
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": made(),
  "aws:ec2/eip:Eip": made(() => ({ publicIp: "198.51.100.1" })),
  "aws:ec2/flowLog:FlowLog": made(),
  "aws:ec2/internetGateway:InternetGateway": made(),
  "aws:ec2/launchTemplate:LaunchTemplate": made(() => ({ latestVersion: 1 })),
  "aws:ec2/natGateway:NatGateway": made(),
  "aws:ec2/route:Route": made(),
  "aws:ec2/routeTable:RouteTable": made(),
  "aws:ec2/routeTableAssociation:RouteTableAssociation": made(),
  "aws:ec2/securityGroup:SecurityGroup": made(),
  "aws:ec2/subnet:Subnet": made(),
  "aws:ec2/vpc:Vpc": made(),
  "aws:ec2/vpcEndpoint:VpcEndpoint": made(),
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": made(),
  "aws:ecr/repository:Repository": withArn("ecr", "repository"),
  "aws:efs/backupPolicy:BackupPolicy": made(),
  "aws:efs/fileSystem:FileSystem": withArn("elasticfilesystem", "file-system"),
  "aws:efs/mountTarget:MountTarget": made(),
  "aws:eks/accessEntry:AccessEntry": made(),
  "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": made(),
  "aws:eks/addon:Addon": made(),
  "aws:eks/nodeGroup:NodeGroup": made(),
  "aws:eks/podIdentityAssociation:PodIdentityAssociation": made(),
  "aws:iam/role:Role": named("name", (name) => ({
    arn: `arn:aws:iam::${ACCOUNT}:role/${name}-xxxxxxx`,
  })),
  "aws:iam/rolePolicy:RolePolicy": made(),
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": made(),
  "aws:kms/alias:Alias": made(),
  "aws:kms/key:Key": made((name) => ({
    keyId: `${name}-id`,
    arn: arn("kms", `key/${name}-id`),
  })),
  "aws:s3/bucket:Bucket": withArn("s3", "bucket"),
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": made(),
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": made(),
  "aws:s3/bucketPolicy:BucketPolicy": made(),
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": made(),
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": made(),
  "aws:s3/bucketVersioning:BucketVersioning": made(),
  "aws:sqs/queue:Queue": named("name", (name) => ({
    arn: arn("sqs", `${name}-xxxxxxx`),
    url: `https://sqs.eu-central-1.amazonaws.com/${ACCOUNT}/${name}-xxxxxxx`,
  })),
  "aws:sqs/queuePolicy:QueuePolicy": made(),
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": made(),
};

/**
 * What the plugin of @pulumi/eks answers for its remote component: the outputs that the program reads.
 * Its children exist in the plugin only, and are not recorded.
 */
export const eksModel: Readonly<Record<string, ResourceModel>> = {
  "pulumi:providers:eks": () => ({}),
  "eks:index:Cluster": ({ inputs }) => ({
    computed: {
      eksCluster: {
        name: inputs.name ?? "",
        arn: arn("eks", `cluster/${textOf(inputs.name)}`),
        endpoint: "https://0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com",
        certificateAuthority: { data: "Y2VydGlmaWNhdGU=" },
        vpcConfig: { clusterSecurityGroupId: "sg-0cluster" },
      },
      kubeconfigJson: new Secret("{}"),
    },
  }),
};
