import { formatCidr, overlap, parseCidr, VPC_PREFIXES } from "../cidr";
import type { Problem } from "../errors";
import { problem } from "../explain";
import type { Config } from "../schema";
import { nodeRules } from "./node-rules";
import { requiredWithoutNat } from "./network";

export type Eks = Extract<Config["cluster"], { kind: "eks" }>;

const at = (path: string) => `drydock:cluster.${path}`;

/** Keys of a cluster on EKS that are right one by one and impossible together. */
export function eksRules(eks: Eks): Problem[] {
  return [
    ...upgrade(eks),
    ...access(eks),
    ...publicEndpoint(eks),
    ...ranges(eks),
    ...zones(eks),
    ...withoutNat(eks),
    ...nodeRules(eks),
  ];
}

/** A control plane goes up one minor at a time, and never down. */
function upgrade({ kubernetesVersion, upgradeFrom }: Eks): Problem[] {
  if (upgradeFrom === undefined) return [];
  const [from, to] = [minor(upgradeFrom), minor(kubernetesVersion)];
  if (to === from || to === from + 1) return [];
  const rule =
    to < from
      ? `must not be below upgradeFrom, "${upgradeFrom}": EKS takes no version back`
      : `must be "${upgradeFrom}" or the next minor, "1.${from + 1}": EKS skips none`;
  const fix = to < from ? `set it to "${upgradeFrom}"` : `upgrade to "1.${from + 1}" first`;
  return [problem(at("kubernetesVersion"), kubernetesVersion, rule, fix)];
}

export function minor(version: string): number {
  return Number(version.split(".")[1]);
}

function access({ access, deployerRoleArn }: Eks): Problem[] {
  return Object.entries(access).flatMap(([name, entry]) => {
    const key = at(`access.${name}`);
    const twin = Object.entries(access).find(
      ([other, { roleArn }]) => other < name && roleArn === entry.roleArn,
    );
    return [
      entry.level === "deployer" &&
        entry.namespaces.length === 0 &&
        problem(
          `${key}.namespaces`,
          [],
          "must name at least one namespace where level is deployer",
          'add them, for example: ["web"]',
        ),
      entry.level === "admin" &&
        entry.namespaces.length > 0 &&
        problem(
          `${key}.namespaces`,
          entry.namespaces,
          "must be empty where level is admin: an administrator has the whole cluster",
          'remove them, or set level to "deployer"',
        ),
      entry.roleArn === deployerRoleArn &&
        problem(
          `${key}.roleArn`,
          entry.roleArn,
          "must not be deployerRoleArn, which has an access entry already",
          "remove the entry",
        ),
      twin !== undefined &&
        problem(
          `${key}.roleArn`,
          entry.roleArn,
          `must differ from access.${twin[0]}: EKS has one access entry for a role`,
          "remove one of them",
        ),
    ].filter((one) => one !== false);
  });
}

function publicEndpoint({ api }: Eks): Problem[] {
  const open = api.publicCidrs.filter((cidr) => parseCidr(cidr).prefix === 0);
  if (open.length === 0 || api.openToInternet) return [];
  return [
    problem(
      at("api.publicCidrs"),
      api.publicCidrs,
      "must not have 0.0.0.0/0 unless api.openToInternet is true as well",
      "name the addresses of your network, or none and reach the API server from inside of the VPC",
    ),
  ];
}

function ranges({ network }: Eks): Problem[] {
  const { cidr, serviceCidr, reservedCidrs } = network;
  const named = [
    { key: "network.cidr", cidr },
    { key: "network.serviceCidr", cidr: serviceCidr },
    ...reservedCidrs.map((one, index) => ({ key: `network.reservedCidrs.${index}`, cidr: one })),
  ];
  const overlapping = named.flatMap((one, index) =>
    named
      .slice(0, Math.min(index, 2)) // Two networks of others may overlap.
      .filter((earlier) => overlap(parseCidr(earlier.cidr), parseCidr(one.cidr)))
      .map((earlier) =>
        problem(
          at(one.key),
          one.cidr,
          `must not overlap with ${earlier.key}, ${earlier.cidr}`,
          "choose ranges of their own",
        ),
      ),
  );
  return [
    ...size("network.cidr", cidr, VPC_PREFIXES),
    ...size("network.serviceCidr", serviceCidr, { min: 12, max: 24 }),
    ...named.flatMap(({ key, cidr: one }) => misaligned(key, one)),
    ...overlapping,
  ];
}

function size(key: string, cidr: string, { min, max }: { min: number; max: number }): Problem[] {
  const { prefix } = parseCidr(cidr);
  if (prefix >= min && prefix <= max) return [];
  const what = prefix > max ? "too small" : "too large";
  const fix = `change it, for example: ${JSON.stringify(cidr.replace(/\d+$/, String(prefix > max ? max : min)))}`;
  return [problem(at(key), cidr, `must be from /${min} to /${max}; this one is ${what}`, fix)];
}

function misaligned(key: string, cidr: string): Problem[] {
  const exact = formatCidr(parseCidr(cidr));
  if (exact === cidr) return [];
  return [
    problem(at(key), cidr, "must begin at the first address of its range", `set it to "${exact}"`),
  ];
}

function zones({ network }: Eks): Problem[] {
  if (new Set(network.zones).size === network.zones.length) return [];
  const rule = "must name each zone once";
  const fix = `set it to ${JSON.stringify([...new Set(network.zones)])}`;
  return [problem(at("network.zones"), network.zones, rule, fix)];
}

function withoutNat({ network, autoscaling }: Eks): Problem[] {
  if (network.nat !== "none") return [];
  const missing = requiredWithoutNat.filter((name) => !network.interfaceEndpoints.includes(name));
  const problems =
    missing.length === 0
      ? []
      : [
          problem(
            at("network.interfaceEndpoints"),
            network.interfaceEndpoints,
            `must have ${missing.join(", ")} where network.nat is "none": nodes could not join`,
            'add them, or set network.nat to "single"',
          ),
        ];
  if (autoscaling.kind !== "karpenter") return problems;
  return [
    ...problems,
    problem(
      at("autoscaling.kind"),
      autoscaling.kind,
      'must be "none" or "autoMode" where network.nat is "none": the image of Karpenter comes from the internet',
      'change it, or set network.nat to "single"',
    ),
  ];
}
