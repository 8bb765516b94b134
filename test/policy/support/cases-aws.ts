import { alter, type Judging, missing, remove, type RuleCase, set } from "./cases";
import type { Fixture } from "./world";

const statement = (part: object) =>
  JSON.stringify({ Statement: [{ Effect: "Allow", Resource: "*", ...part }] });
const trust = (Principal: unknown, ...Action: string[]) =>
  JSON.stringify({ Statement: [{ Effect: "Allow", Principal, Action }] });
const both = (path: string, inner: string) =>
  [
    ["cluster", inner],
    ["control-plane", path],
  ] as const;
const user: Fixture = { type: "aws:iam/user:User", name: "user", inputs: {} };

/** Rules about AWS. */
export const awsCases = {
  "eks-endpoint-restricted": {
    breaks: [
      remove("control-plane", "endpointPublicAccess"),
      set("control-plane", "endpointPublicAccess", true),
      alter("control-plane", "public to everybody", {
        inputs: { endpointPublicAccess: true, publicAccessCidrs: ["0.0.0.0/0"] },
      }),
      remove("cluster", "vpcConfig publicAccessCidrs"),
      set("cluster", "vpcConfig publicAccessCidrs", ["192.0.2.0/24", "::/0"]),
    ],
    unknown: [
      ["control-plane", "endpointPublicAccess"],
      ["cluster", "vpcConfig publicAccessCidrs 0"],
    ],
  },
  "eks-secrets-encrypted": {
    breaks: both("encryptionConfigKeyArn", "encryptionConfig").map(([on, path]) =>
      remove(on, path),
    ),
    unknown: [["cluster", "encryptionConfig"]],
    enough: both("encryptionConfigKeyArn", "encryptionConfig provider keyArn"),
  },
  "eks-control-plane-logs": {
    breaks: [
      remove("cluster", "enabledClusterLogTypes"),
      remove("control-plane", "enabledClusterLogTypes 1"),
      set("control-plane", "enabledClusterLogTypes", ["api"], { config: { types: ["audit"] } }),
    ],
    unknown: both("enabledClusterLogTypes", "enabledClusterLogTypes"),
  },
  "eks-version-supported": {
    breaks: [
      remove("cluster", "version"),
      set("control-plane", "version", "1.29"),
      set("cluster", "version", "1.35", { config: { versions: ["1.36"] } }),
    ],
    unknown: both("version", "version"),
  },
  "eks-standard-support": {
    breaks: both("upgradePolicy", "upgradePolicy").map(([on, path]) => remove(on, path)),
    unknown: both("upgradePolicy supportType", "upgradePolicy"),
  },
  "eks-deletion-protected": {
    breaks: both("deletionProtection", "deletionProtection").map(([on, path]) => remove(on, path)),
    unknown: both("deletionProtection", "deletionProtection"),
  },
  "eks-access-entries": {
    breaks: [
      remove("control-plane", "authenticationMode"),
      set("cluster", "accessConfig authenticationMode", "API_AND_CONFIG_MAP"),
      set("entry", "kubernetesGroups 0", "system:masters"),
      set("control-plane", "accessEntries admins kubernetesGroups 0", "system:masters"),
    ],
    unknown: [
      ["control-plane", "authenticationMode"],
      ["entry", "kubernetesGroups"],
    ],
  },
  "eks-network-policy-engine": {
    breaks: [
      remove("cni", "configurationValues"),
      set("cni", "configurationValues", '{"enableNetworkPolicy":"false"}'),
    ],
    unknown: [["cni", "configurationValues"]],
  },
  "eks-addon-version-pinned": {
    breaks: [remove("cni", "addonVersion")],
    unknown: [],
    enough: [["cni", "addonVersion"]],
  },
  "eks-two-zones": {
    breaks: [
      set("nodes", "scalingConfig minSize", 1),
      remove("nodes", "scalingConfig minSize"),
      alter("nodes", "in one zone", { from: { subnetIds: ["private-a"] } }),
      set("private-b", "availabilityZone", "eu-central-1a", { told: "nodes" }),
      set("nodes", "scalingConfig minSize", 3, { config: { minimum: 4 } }),
    ],
    unknown: [["nodes", "scalingConfig minSize"]],
  },
  "nodes-no-open-ssh": {
    breaks: [set("nodes", "remoteAccess", { ec2SshKey: "key" })],
    unknown: [["nodes", "remoteAccess"]],
  },
  "nodes-imdsv2": {
    breaks: [
      remove("template", "metadataOptions"),
      remove("template", "metadataOptions httpTokens"),
      set("template", "metadataOptions httpTokens", "optional"),
      remove("template", "metadataOptions httpPutResponseHopLimit"),
      set("template", "metadataOptions httpPutResponseHopLimit", 2),
    ],
    unknown: [["template", "metadataOptions httpTokens"]],
  },
  "nodes-volumes-encrypted": {
    breaks: [
      remove("template", "blockDeviceMappings"),
      remove("template", "blockDeviceMappings 0 ebs encrypted"),
      set("template", "blockDeviceMappings 0 ebs encrypted", "false"),
      set("volume", "encrypted", false),
      remove("volume", "encrypted"),
    ],
    unknown: [
      ["template", "blockDeviceMappings"],
      ["volume", "encrypted"],
    ],
  },
  "nodes-no-public-address": {
    breaks: [set("template", "networkInterfaces 0 associatePublicIpAddress", "true")],
    unknown: [["template", "networkInterfaces 0 associatePublicIpAddress"]],
  },
  "nodes-private-subnets": {
    breaks: [
      alter("nodes", "in a public subnet", { from: { subnetIds: ["private-b", "public-a"] } }),
      set("private-a", "mapPublicIpOnLaunch", true, { told: "nodes" }),
      alter(
        "private-table",
        "with a route of its own",
        { from: { routes: ["internet"] } },
        { told: "nodes" },
      ),
    ],
    unknown: [],
  },
  "security-group-closed": {
    breaks: [
      set("group", "ingress 0 cidrBlocks", ["0.0.0.0/0"]),
      set("group", "ingress 0 ipv6CidrBlocks", ["::/0"]),
      remove("group", "description"),
      set("group-ingress", "cidrIpv4", "0.0.0.0/0"),
      set("group-ingress", "cidrIpv6", "::/0"),
      remove("group-ingress", "description"),
      set("group-rule", "cidrBlocks", ["0.0.0.0/0"]),
    ],
    unknown: [
      ["group", "ingress 0 cidrBlocks"],
      ["group-ingress", "cidrIpv4"],
      ["group-rule", "cidrBlocks 0"],
    ],
  },
  "default-security-group-empty": {
    breaks: ["ingress", "egress"].map((key) => set("default-group", key, [{ protocol: "-1" }])),
    unknown: [["default-group", "ingress"]],
  },
  "subnet-no-public-addresses": {
    breaks: [set("public-a", "mapPublicIpOnLaunch", true)],
    unknown: [["public-a", "mapPublicIpOnLaunch"]],
  },
  "vpc-flow-logs": { breaks: [missing("vpc", "flow-log")], unknown: [] },
  "vpc-default-security-group-managed": {
    breaks: [missing("vpc", "default-group")],
    unknown: [],
  },
  "load-balancer-hardened": {
    breaks: [
      remove("balancer", "accessLogs"),
      set("balancer", "accessLogs enabled", false),
      remove("balancer", "enableDeletionProtection"),
      remove("balancer", "dropInvalidHeaderFields"),
    ],
    unknown: [["balancer", "enableDeletionProtection"]],
  },
  "listener-encrypted": {
    breaks: [
      set("listener", "protocol", "HTTP"),
      remove("listener", "sslPolicy"),
      set("listener", "sslPolicy", "ELBSecurityPolicy-2016-08"),
    ],
    unknown: [["listener", "protocol"]],
  },
  "log-retention-set": {
    breaks: [
      remove("log", "retentionInDays"),
      set("log", "retentionInDays", 7),
      set("log", "retentionInDays", 90, { config: { days: 365 } }),
    ],
    unknown: [["log", "retentionInDays"]],
  },
  "iam-policy-no-wildcards": {
    breaks: [
      set("policy", "policy", statement({ Action: "*" })),
      set("policy", "policy", statement({ Action: ["s3:*"] })),
      set("policy", "policy", statement({ NotAction: ["iam:*"] })),
      set("policy", "policy", { Statement: { Effect: "Allow", Action: "*", Resource: "x" } }),
    ],
    unknown: [["policy", "policy"]],
  },
  "iam-trust-named": {
    breaks: [
      set("web-role", "assumeRolePolicy", trust("*", "sts:AssumeRole")),
      set("web-role", "assumeRolePolicy", trust({ AWS: "*" }, "sts:AssumeRole")),
    ],
    unknown: [["web-role", "assumeRolePolicy"]],
  },
  "iam-no-users": {
    breaks: [
      { ...missing("vpc"), told: "user", plus: [user] },
      alter("policy", "of a user", { type: "aws:iam/userPolicy:UserPolicy" }),
    ],
    unknown: [],
  },
  "iam-node-role-minimal": {
    breaks: [
      set("node-policy", "policyArn", "arn:aws:iam::aws:policy/AdministratorAccess", {
        told: "nodes",
      }),
      set("node-policy", "policyArn", "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy", {
        told: "nodes",
        config: { policies: [] },
      }),
    ],
    unknown: [["node-policy", "policyArn"]],
  },
  "pod-identity-complete": {
    breaks: [
      set("web-identity", "serviceAccount", "wbe"),
      set("web-identity", "namespace", "other"),
      set(
        "web-role",
        "assumeRolePolicy",
        trust({ Service: "ec2.amazonaws.com" }, "sts:AssumeRole"),
        {
          told: "web-identity",
        },
      ),
      set(
        "web-role",
        "assumeRolePolicy",
        trust({ Service: "pods.eks.amazonaws.com" }, "sts:AssumeRole"),
        { told: "web-identity" },
      ),
    ],
    unknown: [
      ["web-identity", "serviceAccount"],
      ["web-role", "assumeRolePolicy"],
    ],
  },
  "pod-identity-own-role": {
    breaks: [alter("db-identity", "with the role of web", { from: { roleArn: ["web-role"] } })],
    unknown: [],
  },
  "pod-identity-reads-external-secrets": {
    breaks: [
      missing("web", "web-identity"),
      set("web-identity", "serviceAccount", "wbe", { told: "web" }),
      set("web-identity", "namespace", "other", { told: "web" }),
      set("web", "spec template spec serviceAccountName", "other"),
      remove("web", "spec template spec serviceAccountName"),
    ],
    unknown: [
      ["web-identity", "serviceAccount"],
      ["web-entries", "spec parameters usePodIdentity"],
    ],
  },
  "ecr-hardened": {
    breaks: [
      remove("registry", "imageScanningConfiguration"),
      set("registry", "imageTagMutability", "MUTABLE"),
      remove("registry", "imageTagMutability"),
      remove("registry", "encryptionConfigurations"),
      set("registry", "encryptionConfigurations 0 encryptionType", "AES256"),
    ],
    unknown: [["registry", "imageTagMutability"]],
  },
  "kms-key-hardened": {
    breaks: [
      remove("key", "enableKeyRotation"),
      set("key", "bypassPolicyLockoutSafetyCheck", true),
      set("key", "deletionWindowInDays", 30, { config: { days: 31 } }),
    ],
    unknown: [["key", "enableKeyRotation"]],
  },
  "kms-key-policy-named": {
    breaks: [
      set("key", "policy Statement 0 Principal", "*"),
      set("key", "policy", trust({ AWS: "*" }, "kms:Decrypt")),
    ],
    unknown: [["key", "policy"]],
  },
  "bucket-private": {
    breaks: [
      missing("bucket", "bucket-block"),
      ...["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"].map(
        (key) => set("bucket-block", key, false, { told: "bucket" }),
      ),
      set("bucket", "forceDestroy", true),
      set("bucket", "acl", "public-read"),
    ],
    unknown: [["bucket-block", "blockPublicAcls"]],
  },
  "bucket-versioned": {
    breaks: [
      missing("bucket", "bucket-versions"),
      set("bucket-versions", "versioningConfiguration status", "Suspended", { told: "bucket" }),
    ],
    unknown: [["bucket-versions", "versioningConfiguration status"]],
  },
  "efs-encrypted": { breaks: [remove("files", "encrypted")], unknown: [["files", "encrypted"]] },
  "aws-tags": {
    breaks: ["vpc", "nat", "key", "control-plane", "bucket"].map((name) =>
      alter(name, "without default tags", { provider: {} }),
    ),
    unknown: [],
  },
} satisfies Partial<Record<Judging, RuleCase>>;
