import type { RecordedResource } from "../../review/recording/recorded";

const HOURS = 730;

type Resources = readonly RecordedResource[];

/** What AWS charges for by the hour or month whether it is used or not; USD, us-east-1, August 2026. */
const items: readonly [name: string, monthly: number, count: (all: Resources) => number][] = [
  ["control plane", 0.1 * HOURS, (all) => all.filter(is("eks:index:Cluster")).length],
  ["NAT gateway", 0.045 * HOURS, (all) => all.filter(is("NatGateway")).length],
  ["interface endpoint, in one zone", 0.01 * HOURS, (all) => sum(all.map(endpointZones))],
  ["m7i.large of the node groups", 0.1008 * HOURS, (all) => nodes(all, "m7i.large")],
  ["t3.medium of the node groups", 0.0416 * HOURS, (all) => nodes(all, "t3.medium")],
  ["GiB of their gp3 disks", 0.08, (all) => diskGiB(all)],
  ["Network Load Balancer", 0.0225 * HOURS, (all) => all.filter(isBalanced).length],
  ["public IPv4 address", 0.005 * HOURS, publicAddresses],
  ["KMS key", 1, (all) => all.filter(is("kms/key:Key")).length],
];

/** Rows of the guide's table: what, price of one, then count and price in each stack; a last row of totals. */
export function bill(stacks: Readonly<Record<string, Resources>>): string[][] {
  const all = Object.values(stacks);
  const rows = items.map(([name, monthly, count]) => [
    name,
    monthly.toFixed(2),
    ...all.map((resources) => `${count(resources)}`),
  ]);
  const totals = all.map((resources) =>
    sum(items.map(([, monthly, count]) => monthly * count(resources))).toFixed(0),
  );
  return [...rows, ["a month, in USD", "", ...totals]];
}

const is =
  (end: string) =>
  ({ type }: RecordedResource): boolean =>
    type.endsWith(end);

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

function endpointZones({ type, inputs }: RecordedResource): number {
  const { vpcEndpointType, subnetIds } = inputs as {
    vpcEndpointType?: string;
    subnetIds?: unknown[];
  };
  const counts = type === "aws:ec2/vpcEndpoint:VpcEndpoint" && vpcEndpointType === "Interface";
  return counts ? (subnetIds?.length ?? 0) : 0;
}

interface NodeGroup {
  readonly instanceTypes: readonly string[];
  readonly scalingConfig: { readonly minSize: number };
}

const groups = (all: Resources) =>
  all.filter(is(":NodeGroup")).map(({ inputs }) => inputs as unknown as NodeGroup);

/** At their least: an autoscaler adds what the workloads ask for. */
const nodes = (all: Resources, instanceType: string) =>
  sum(
    groups(all)
      .filter(({ instanceTypes }) => instanceTypes[0] === instanceType)
      .map(({ scalingConfig }) => scalingConfig.minSize),
  );

function diskGiB(all: Resources): number {
  const templates = all.filter(is(":LaunchTemplate")).map(({ inputs }) => {
    const { blockDeviceMappings } = inputs as unknown as {
      blockDeviceMappings: readonly { ebs: { volumeSize: number } }[];
    };
    return sum(blockDeviceMappings.map(({ ebs }) => ebs.volumeSize));
  });
  return sum(
    groups(all).map(({ scalingConfig }, at) => scalingConfig.minSize * (templates[at] ?? 0)),
  );
}

function isBalanced({ type, inputs }: RecordedResource): boolean {
  const { spec } = inputs as { spec?: { type?: string } };
  return type === "kubernetes:core/v1:Service" && spec?.type === "LoadBalancer";
}

/** A gateway has one; an internet-facing load balancer one in each of its zones. */
function publicAddresses(all: Resources): number {
  const zones = all.filter((one) => is(":Subnet")(one) && one.name.includes("public"));
  const balancers = all
    .filter(isBalanced)
    .filter(({ inputs }) => JSON.stringify(inputs).includes("internet-facing"));
  return all.filter(is(":Eip")).length + balancers.length * zones.length;
}
