import type { Config } from "../../config/schema";

/** The configuration of a cluster on EKS: checked, complete, frozen. */
export type EksConfig = Extract<Config["cluster"], { kind: "eks" }>;

/** What all parts of a cluster on AWS have in common; plain, so that previews know it. */
export interface Place {
  readonly clusterName: string;
  readonly region: string;
  readonly accountId: string;
  /** `aws`, `aws-cn` or `aws-us-gov`. */
  readonly partition: string;
  /** Whether what holds data or cannot be made again is kept from deletion. */
  readonly protect: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** The deployer role's ARN names the account and the partition. */
export function placeOf(config: EksConfig): Place {
  const { name: clusterName, region, protect, deployerRoleArn } = config;
  const [, partition = "", , , accountId = ""] = deployerRoleArn.split(":");
  const tags = {
    ...config.tags,
    "drydock/cluster": clusterName,
    "drydock/managed-by": "pulumi",
  };
  return { clusterName, region, protect, partition, accountId, tags };
}

/** @param resource such as `cluster/name`; some services want no account or region in theirs */
export function arn(
  place: Place,
  service: string,
  resource: string,
  { region = place.region, accountId = place.accountId } = {},
): string {
  return `arn:${place.partition}:${service}:${region}:${accountId}:${resource}`;
}

export function clusterArn(place: Place): string {
  return arn(place, "eks", `cluster/${place.clusterName}`);
}

/** ARN of a policy that AWS maintains. */
export function managedPolicy(place: Place, name: string): string {
  return arn(place, "iam", `policy/${name}`, { region: "", accountId: "aws" });
}

/** The account as a principal: its IAM policies then decide. */
export function accountRoot(place: Place): string {
  return arn(place, "iam", "root", { region: "" });
}

/** Names of the availability zones, by their letters. */
export function zoneNames(region: string, letters: readonly string[]): string[] {
  return letters.map((letter) => `${region}${letter}`);
}
