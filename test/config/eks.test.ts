import { describe, expect, it } from "vitest";

import { ConfigError } from "../../config/errors";
import { parseConfig } from "../../config/parse";
import { stackFile } from "../../review/recording/stack-file";

const ROLE = "arn:aws:iam::111122223333:role/deployer";
const cluster = {
  kind: "eks",
  name: "prod",
  deployerRoleArn: ROLE,
  nodes: { groups: { system: { instanceTypes: ["m7i.large"] } } },
};

function parse(changes: Record<string, unknown>, awsRegion: string | undefined = "eu-central-1") {
  return parseConfig({ cluster: { ...cluster, ...changes } }, { awsRegion }).cluster;
}

/** `key = value`, rule, fix; sorted by the order in which a user reads them. */
function problems(changes: Record<string, unknown>, awsRegion?: string): string[] {
  try {
    parse(changes, awsRegion);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ key, value, rule, fix }) => {
      const short = key.replace("drydock:cluster.", "");
      return [value === undefined ? short : `${short} = ${value}`, rule, fix].join(" | ");
    });
  }
  return [];
}

const group = (changes: Record<string, unknown>) => ({
  nodes: { groups: { system: { instanceTypes: ["m7i.large"], ...changes } } },
});

describe("a cluster on EKS", () => {
  it("needs a name, a deployer, nodes and a region, and gets careful defaults for the rest", () => {
    expect(parse({})).toMatchObject({
      region: "eu-central-1",
      kubernetesVersion: "1.36",
      access: {},
      api: { publicCidrs: [], openToInternet: false, logRetentionDays: 90 },
      network: { cidr: "10.0.0.0/16", zones: ["a", "b", "c"], nat: "perZone", flowLogs: true },
      encryption: { deletionWindowDays: 30 },
      nodes: {
        groups: {
          system: { capacity: "onDemand", minSize: 2, maxSize: 4, autoRepair: true, taints: [] },
        },
      },
      autoscaling: { kind: "none" },
      loadBalancer: { scheme: "internal" },
      storage: { reclaimPolicy: "Retain", sharedFileSystem: false },
      secrets: { externalStore: false },
      protect: true,
    });
  });

  it.each(["prod", "small"])("of the stack %s is configured right", (stack) => {
    const { config } = stackFile(stack);
    const sections = Object.entries(config).flatMap(([key, value]) =>
      key.startsWith("drydock:") ? [[key.slice("drydock:".length), value]] : [],
    );
    const awsRegion = String(config["aws:region"]);
    const parsed = parseConfig(Object.fromEntries(sections) as Record<string, unknown>, {
      awsRegion,
    });
    expect(parsed.cluster).toMatchObject({ kind: "eks", region: awsRegion });
  });

  it("needs no node of its own in Auto Mode", () => {
    expect(problems({ nodes: {}, autoscaling: { kind: "autoMode" } })).toEqual([]);
  });

  it.each(["1.36", "1.35"])("may be upgraded to 1.36 from %s", (upgradeFrom) => {
    expect(problems({ upgradeFrom })).toEqual([]);
  });

  it("may have nodes one minor behind, and a release for that minor", () => {
    const nodes = {
      kubernetesVersion: "1.35",
      ...group({ releaseVersion: "1.35.6-20260714" }).nodes,
    };
    expect(problems({ nodes })).toEqual([]);
  });

  it("may be open to the internet where that is said twice", () => {
    const api = { publicCidrs: ["0.0.0.0/0"], openToInternet: true };
    expect(problems({ api })).toEqual([]);
  });
});

describe("a cluster on EKS is refused, with key, value, rule and fix:", () => {
  it.each([
    {
      title: "no region",
      changes: {},
      region: "",
      expected: [
        'region = "" | must be a region of AWS ("eu-central-1"), as `aws:region` | change it, for example: "eu-central-1"',
      ],
    },
    {
      title: "a region of its own",
      changes: { region: "us-east-1" },
      expected: [
        'region = "us-east-1" | is the stack\'s aws:region | remove it, and set aws:region',
      ],
    },
    {
      title: "one zone",
      changes: { network: { zones: ["a"] } },
      expected: [
        'network.zones = ["a"] | must be 2 to 4 zones: EKS takes no fewer than 2, and one alone fails as a whole | change it, or remove it for the default, ["a","b","c"]',
      ],
    },
    {
      title: "a zone twice",
      changes: { network: { zones: ["a", "b", "a"] } },
      expected: ['network.zones = ["a","b","a"] | must name each zone once | set it to ["a","b"]'],
    },
    {
      title: "a VPC too small for its nodes",
      changes: { network: { cidr: "10.0.0.0/22" } },
      expected: [
        'network.cidr = "10.0.0.0/22" | must be from /16 to /21; this one is too small | change it, for example: "10.0.0.0/21"',
      ],
    },
    {
      title: "ranges that overlap, and one that does not begin where it seems to",
      changes: {
        network: { serviceCidr: "10.0.128.0/20", reservedCidrs: ["10.0.7.0/16", "172.31.0.0/16"] },
      },
      expected: [
        'network.reservedCidrs.0 = "10.0.7.0/16" | must begin at the first address of its range | set it to "10.0.0.0/16"',
        'network.serviceCidr = "10.0.128.0/20" | must not overlap with network.cidr, 10.0.0.0/16 | choose ranges of their own',
        'network.reservedCidrs.0 = "10.0.7.0/16" | must not overlap with network.cidr, 10.0.0.0/16 | choose ranges of their own',
        'network.reservedCidrs.0 = "10.0.7.0/16" | must not overlap with network.serviceCidr, 10.0.128.0/20 | choose ranges of their own',
      ],
    },
    {
      title: "an API server open to everybody, said once",
      changes: { api: { publicCidrs: ["203.0.113.0/24", "0.0.0.0/0"] } },
      expected: [
        'api.publicCidrs = ["203.0.113.0/24","0.0.0.0/0"] | must not have 0.0.0.0/0 unless api.openToInternet is true as well | name the addresses of your network, or none and reach the API server from inside of the VPC',
      ],
    },
    {
      title: "a Kubernetes version that EKS does not support",
      changes: { kubernetesVersion: "1.29" },
      expected: [
        'kubernetesVersion = "1.29" | must be one of "1.35", "1.36" | change it, or remove it for the default, "1.36"',
      ],
    },
    {
      title: "a minor skipped",
      changes: { upgradeFrom: "1.34" },
      expected: [
        'kubernetesVersion = "1.36" | must be "1.34" or the next minor, "1.35": EKS skips none | upgrade to "1.35" first',
      ],
    },
    {
      title: "a version taken back",
      changes: { kubernetesVersion: "1.35", upgradeFrom: "1.36" },
      expected: [
        'kubernetesVersion = "1.35" | must not be below upgradeFrom, "1.36": EKS takes no version back | set it to "1.36"',
      ],
    },
    {
      title: "nodes newer than the control plane",
      changes: {
        kubernetesVersion: "1.35",
        nodes: { kubernetesVersion: "1.36", ...group({}).nodes },
      },
      expected: [
        'nodes.kubernetesVersion = "1.36" | must not be above kubernetesVersion, "1.35", nor more than three minors below it | upgrade the control plane first',
      ],
    },
    {
      title: "a release of another minor",
      changes: group({ releaseVersion: "1.35.6-20260714" }),
      expected: [
        'nodes.groups.system.releaseVersion = "1.35.6-20260714" | must be a release of 1.36, the Kubernetes version of the nodes | change it, or remove it for the release that this project pins',
      ],
    },
    {
      title: "Bottlerocket without a release",
      changes: group({ amiType: "BOTTLEROCKET_x86_64" }),
      expected: [
        "nodes.groups.system.releaseVersion | is missing; for Bottlerocket this project pins no release | add the one that `aws ssm get-parameter --name /aws/service/bottlerocket/aws-k8s-1.36/x86_64/latest/image_version` names",
      ],
    },
    {
      title: "system nodes on spot capacity alone",
      changes: group({ capacity: "spot" }),
      expected: [
        `nodes.groups = ["system"] | must have one with capacity "onDemand", minSize 1 or more and no taint but CriticalAddonsOnly, for the cluster's own add-ons; all are spot, and could be taken away at once | add it, for example: {"system":{"instanceTypes":["m7i.large"]}}`,
      ],
    },
    {
      title: "no nodes at all",
      changes: { nodes: {} },
      expected: [
        `nodes.groups = [] | must have one with capacity "onDemand", minSize 1 or more and no taint but CriticalAddonsOnly, for the cluster's own add-ons | add it, for example: {"system":{"instanceTypes":["m7i.large"]}}`,
      ],
    },
    {
      title: "nodes that let no add-on in",
      changes: group({ taints: [{ key: "gpu", effect: "NO_SCHEDULE" }] }),
      expected: [expect.stringMatching(/^nodes\.groups = \["system"\] \| must have one with/)],
    },
    {
      title: "an instance type that cannot run the AMI",
      changes: group({ instanceTypes: ["m7i.large", "m7g.large"] }),
      expected: [
        'nodes.groups.system.instanceTypes.1 = "m7g.large" | must be a type of x86_64, as amiType AL2023_x86_64_STANDARD is; this one is arm64 | choose another type, or set amiType to "AL2023_ARM_64_STANDARD"',
      ],
    },
    {
      title: "fewest above most",
      changes: group({ minSize: 5, maxSize: 3 }),
      expected: [
        "nodes.groups.system.minSize = 5 | must not exceed maxSize, 3 | lower it, or raise maxSize",
      ],
    },
    {
      title: "a name longer than EKS takes",
      changes: { name: "a".repeat(101) },
      expected: [expect.stringMatching(/ \| must be a name of at most 100 lower-case letters/)],
    },
    {
      title: "a node group whose name in AWS would be longer than 63",
      changes: { nodes: { groups: { ["g".repeat(41)]: { instanceTypes: ["m7i.large"] } } } },
      expected: [expect.stringMatching(/^nodes\.groups\.g{41} \| must have a name of at most 40 /)],
    },
    {
      title: "a role whose name is longer than 64",
      changes: { deployerRoleArn: `arn:aws:iam::111122223333:role/${"r".repeat(65)}` },
      expected: [expect.stringMatching(/^deployerRoleArn = .* \| must be the ARN of an IAM role/)],
    },
    {
      title: "access entries that contradict each other",
      changes: {
        access: {
          ci: { roleArn: `${ROLE}-ci`, level: "deployer" },
          ops: { roleArn: `${ROLE}-ops`, level: "admin", namespaces: ["web"] },
          me: { roleArn: ROLE, level: "admin" },
          twin: { roleArn: `${ROLE}-ci`, level: "viewer" },
        },
      },
      expected: [
        'access.ci.namespaces = [] | must name at least one namespace where level is deployer | add them, for example: ["web"]',
        'access.ops.namespaces = ["web"] | must be empty where level is admin: an administrator has the whole cluster | remove them, or set level to "deployer"',
        `access.me.roleArn = "${ROLE}" | must not be deployerRoleArn, which has an access entry already | remove the entry`,
        `access.twin.roleArn = "${ROLE}-ci" | must differ from access.ci: EKS has one access entry for a role | remove one of them`,
      ],
    },
    {
      title: "no way out, and no way to AWS either",
      changes: { network: { nat: "none" }, autoscaling: { kind: "karpenter" } },
      expected: [
        'network.interfaceEndpoints = [] | must have ec2, ecr.api, ecr.dkr, eks, eks-auth, elasticloadbalancing, logs, sts where network.nat is "none": nodes could not join | add them, or set network.nat to "single"',
        'autoscaling.kind = "karpenter" | must be "none" or "autoMode" where network.nat is "none": the image of Karpenter comes from the internet | change it, or set network.nat to "single"',
      ],
    },
    {
      title: "an autoscaler there is not, and another problem behind it",
      changes: { autoscaling: { kind: "karpentr", capacity: [] } },
      expected: [
        'autoscaling.kind = "karpentr" | must be one of "none", "karpenter", "autoMode" | did you mean "karpenter"?',
        'autoscaling.capacity = [] | must be one or both of onDemand, spot | change it, or remove it for the default, ["onDemand"]',
      ],
    },
    {
      title: "a list that is none",
      changes: { api: { publicCidrs: "203.0.113.0/24" } },
      expected: [
        'api.publicCidrs = "203.0.113.0/24" | must be a list | change it, or remove it for the default, []',
      ],
    },
    {
      title: "something in a list that does not belong there",
      changes: { api: { publicCidrs: ["203.0.113.0/24", "office"] } },
      expected: [
        'api.publicCidrs.1 = "office" | must be a range of IPv4 addresses ("10.0.0.0/16") | change it',
      ],
    },
    {
      title: "a retention that CloudWatch does not know",
      changes: { api: { logRetentionDays: 100 } },
      expected: [expect.stringMatching(/^api\.logRetentionDays = 100 \| must be one of 1, 3, 5, /)],
    },
  ])("$title", ({ changes, region, expected }) => {
    expect(problems(changes, region)).toEqual(expected);
  });

  it("all at once", () => {
    const changes = {
      upgradeFrom: "1.33",
      api: { publicCidrs: ["0.0.0.0/0"] },
      network: { cidr: "10.0.0.0/24", zones: ["a", "a"] },
      ...group({ minSize: 9, maxSize: 1, capacity: "spot", instanceTypes: ["t4g.small"] }),
    };
    expect(problems(changes).map((text) => text.split(" ")[0])).toEqual([
      "kubernetesVersion",
      "api.publicCidrs",
      "network.cidr",
      "network.zones",
      "nodes.groups.system.minSize",
      "nodes.groups.system.instanceTypes.0",
      "nodes.groups",
    ]);
  });
});

describe("a missing region", () => {
  it("is asked for where it belongs", () => {
    const parsing = () => parseConfig({ cluster });
    expect(parsing).toThrow('fix:  add it as aws:region, for example: "eu-central-1"');
  });
});
