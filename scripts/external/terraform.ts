import { JSON_KEY } from "../../review/resource";
import type { Rendering } from "../../review/render";

/** A rendered resource that is no Kubernetes object. */
export interface RenderedResource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Inputs;
}

type Inputs = Readonly<Record<string, unknown>>;

/** Resources in Terraform's language, which scanners of AWS read. */
export interface Translation {
  readonly text: string;
  /** Resources by their address in the text, such as `aws_kms_key.cluster-data-key`. */
  readonly addresses: ReadonlyMap<string, RenderedResource>;
  /** Of AWS, and without a row in the table. */
  readonly untranslated: readonly RenderedResource[];
}

/** The JSON files of a rendering. */
export function renderedResources(rendering: Rendering): RenderedResource[] {
  return [...rendering]
    .filter(([path]) => path.endsWith(".json"))
    .map(([, text]) => JSON.parse(text) as RenderedResource);
}

/**
 * Translates what is rendered of AWS. Pulumi's provider is made of Terraform's, so that names differ in
 * their form only; what the table must say is which values are blocks there. Placeholders become references.
 */
export function terraform(resources: readonly RenderedResource[]): Translation {
  const ofAws = resources.filter(({ type }) => /^(?:aws|eks):/.test(type));
  const translated = ofAws.flatMap((resource) => {
    const type = typeNames[resource.type];
    return type === undefined ? [] : [{ resource, type, address: `${type}.${resource.name}` }];
  });
  const addresses = new Map(translated.map(({ address, resource }) => [address, resource]));
  const byLabel = new Map(
    translated.map(({ resource, address }) => [labelOf(resource), address] as const),
  );
  const blocks = translated.map(({ resource, type }) => {
    const inputs = type === "aws_eks_cluster" ? clusterInputs(resource.inputs) : resource.inputs;
    return [`resource "${type}" "${resource.name}" {`, ...lines(inputs, byLabel, "  "), "}", ""];
  });
  return {
    text: blocks.flat().join("\n"),
    addresses,
    untranslated: ofAws.filter(({ type }) => typeNames[type] === undefined),
  };
}

const labelOf = ({ type, name }: RenderedResource) =>
  `${type.slice(type.lastIndexOf(":") + 1)} ${name}`;

/** Terraform's name of each type. A new type of the program is counted as not scanned until it has a row. */
const typeNames: Readonly<Record<string, string>> = {
  "aws:cloudwatch/eventRule:EventRule": "aws_cloudwatch_event_rule",
  "aws:cloudwatch/eventTarget:EventTarget": "aws_cloudwatch_event_target",
  "aws:cloudwatch/logGroup:LogGroup": "aws_cloudwatch_log_group",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "aws_default_security_group",
  "aws:ec2/eip:Eip": "aws_eip",
  "aws:ec2/flowLog:FlowLog": "aws_flow_log",
  "aws:ec2/internetGateway:InternetGateway": "aws_internet_gateway",
  "aws:ec2/launchTemplate:LaunchTemplate": "aws_launch_template",
  "aws:ec2/natGateway:NatGateway": "aws_nat_gateway",
  "aws:ec2/route:Route": "aws_route",
  "aws:ec2/routeTable:RouteTable": "aws_route_table",
  "aws:ec2/routeTableAssociation:RouteTableAssociation": "aws_route_table_association",
  "aws:ec2/securityGroup:SecurityGroup": "aws_security_group",
  "aws:ec2/subnet:Subnet": "aws_subnet",
  "aws:ec2/vpc:Vpc": "aws_vpc",
  "aws:ec2/vpcEndpoint:VpcEndpoint": "aws_vpc_endpoint",
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": "aws_ecr_lifecycle_policy",
  "aws:ecr/repository:Repository": "aws_ecr_repository",
  "aws:efs/backupPolicy:BackupPolicy": "aws_efs_backup_policy",
  "aws:efs/fileSystem:FileSystem": "aws_efs_file_system",
  "aws:efs/mountTarget:MountTarget": "aws_efs_mount_target",
  "aws:eks/accessEntry:AccessEntry": "aws_eks_access_entry",
  "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": "aws_eks_access_policy_association",
  "aws:eks/addon:Addon": "aws_eks_addon",
  "aws:eks/nodeGroup:NodeGroup": "aws_eks_node_group",
  "aws:eks/podIdentityAssociation:PodIdentityAssociation": "aws_eks_pod_identity_association",
  "aws:iam/role:Role": "aws_iam_role",
  "aws:iam/rolePolicy:RolePolicy": "aws_iam_role_policy",
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "aws_iam_role_policy_attachment",
  "aws:kms/alias:Alias": "aws_kms_alias",
  "aws:kms/key:Key": "aws_kms_key",
  "aws:sqs/queue:Queue": "aws_sqs_queue",
  "aws:sqs/queuePolicy:QueuePolicy": "aws_sqs_queue_policy",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
    "aws_vpc_security_group_ingress_rule",
  "eks:index:Cluster": "aws_eks_cluster",
};

/** Maps with keys of the user's own: no blocks, and their keys stay as they are. */
const mapInputs = new Set(["tags", "labels"]);

/** Lists of blocks, which Pulumi names in the plural. */
const singular: Readonly<Record<string, string>> = {
  encryptionConfigurations: "encryption_configuration",
  podIdentityAssociations: "pod_identity_association",
  taints: "taint",
};

/** What the component of @pulumi/eks makes of its inputs, as far as scanners look at it. */
function clusterInputs(inputs: Inputs): Inputs {
  const { name, version, enabledClusterLogTypes, deletionProtection, serviceRole, tags } = inputs;
  return {
    ...{ name, version, enabledClusterLogTypes, deletionProtection, tags },
    roleArn: serviceRole,
    accessConfig: { authenticationMode: inputs.authenticationMode },
    vpcConfig: {
      subnetIds: inputs.privateSubnetIds,
      endpointPrivateAccess: inputs.endpointPrivateAccess,
      endpointPublicAccess: inputs.endpointPublicAccess,
      publicAccessCidrs: inputs.publicAccessCidrs,
    },
    ...(inputs.encryptionConfigKeyArn !== undefined && {
      encryptionConfig: {
        provider: { keyArn: inputs.encryptionConfigKeyArn },
        resources: ["secrets"],
      },
    }),
  };
}

type Addresses = ReadonlyMap<string, string>;

function lines(inputs: Inputs, addresses: Addresses, indent: string): string[] {
  return Object.entries(inputs).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const name = singular[key] ?? snake(key);
    if (mapInputs.has(key) || !isBlocks(value)) {
      return [`${indent}${name} = ${expression(value, addresses)}`];
    }
    return [value]
      .flat()
      .flatMap((block) => [
        `${indent}${name} {`,
        ...lines(block as Inputs, addresses, `${indent}  `),
        `${indent}}`,
      ]);
  });
}

function isBlocks(value: unknown): boolean {
  const [first] = Array.isArray(value) ? (value as unknown[]) : [value];
  return typeof first === "object" && first !== null && !(JSON_KEY in first);
}

/** `subnet_ids` of `subnetIds`; `cidr_ipv4` of `cidrIpv4`. */
function snake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function expression(value: unknown, addresses: Addresses): string {
  if (typeof value === "string") return text(value, addresses);
  if (Array.isArray(value)) {
    return `[${value.map((item) => expression(item, addresses)).join(", ")}]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (JSON_KEY in value) return text(JSON.stringify(value[JSON_KEY]), addresses);
  const entries = Object.entries(value).map(
    ([key, child]) => `${JSON.stringify(key)} = ${expression(child, addresses)}`,
  );
  return `{ ${entries.join(", ")} }`;
}

/** A placeholder is a reference: alone, or within a longer text. */
function text(value: string, addresses: Addresses): string {
  const quoted = JSON.stringify(value.replaceAll("${", () => "$${"));
  const referring = quoted.replace(
    /<(\w+ [\w-]+)(?:\.([\w.]+))?>/g,
    (placeholder, label: string, output = "arn") => {
      const address = addresses.get(label);
      return address === undefined ? placeholder : `\${${address}.${snake(String(output))}}`;
    },
  );
  const [, alone] = /^"\$\{([^}"]+)\}"$/.exec(referring) ?? [];
  return alone ?? referring;
}
