import * as pulumi from "@pulumi/pulumi";
import { RunError } from "@pulumi/pulumi/errors";

export { type AddressRange, EKS_POD_IDENTITY, type PodIdentityCapability } from "./capability";

/** A name of something in AWS: partition, service, region, account and resource, each between colons. */
export type Arn = `arn:${string}:${string}:${string}:${string}:${string}`;

/** One action of one service, such as `s3:GetObject`. */
export type CloudAction = `${string}:${string}`;

/** What a workload may do at the cloud's provider, in the words of its policies. */
export interface Grant {
  /** What for, in letters and digits; unique in the workload. */
  readonly sid: string;
  /** By their full names: each that is needed, and no wildcard. */
  readonly actions: readonly [CloudAction, ...CloudAction[]];
  /** Each by its name; a wildcard stands only for the objects of a named bucket. */
  readonly resources: readonly [Arn, ...Arn[]];
  /** When it holds. Default: always. */
  readonly condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/** Who gets what: the pods of exactly one service account. */
export interface IdentityArgs {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly grants: readonly Grant[];
  /** Whether the workload does without, where the cluster gives pods no identity. */
  readonly optional: boolean;
}

/** @throws RunError with every right that is wider than its purpose can be */
export function checkGrants(workload: string, grants: readonly Grant[]): void {
  const problems = grants.flatMap((grant, index) => [
    ...sidProblem(grant, grants.slice(0, index)),
    ...grant.actions.filter((action) => !ACTION.test(action)).map(actionProblem),
    ...grant.resources.filter((resource) => !isNamed(resource)).map(resourceProblem),
  ]);
  if (problems.length === 0) return;
  throw new RunError(
    `the identity of ${workload} cannot be made\n${problems.map((one) => `  ${one}`).join("\n")}`,
  );
}

const ACTION = /^[a-z0-9-]+:[A-Za-z0-9]+$/;
const ARN = /^arn:[a-z-]+:([a-z0-9-]+):[a-z0-9-]*:\d*:(.+)$/;

function sidProblem({ sid }: Grant, earlier: readonly Grant[]): string[] {
  if (!/^[A-Za-z0-9]+$/.test(sid)) {
    return [`sid "${sid}": must be letters and digits; remove the others`];
  }
  const again = earlier.some((grant) => grant.sid === sid);
  return again ? [`sid "${sid}": must be unique; say what each grant is for`] : [];
}

const actionProblem = (action: string) =>
  `action "${action}": must be one action by its full name; list each that is needed (s3:GetObject)`;

const resourceProblem = (resource: string) =>
  `resource "${resource}": must be one ARN, with a * only behind a bucket's name; list each that is needed ` +
  "(arn:aws:s3:::bucket/*)";

function isNamed(arn: string): boolean {
  const [, service, resource = ""] = ARN.exec(arn) ?? [];
  if (service === undefined) return false;
  if (!/[*?]/.test(resource)) return true;
  return service === "s3" && /^[a-z0-9.-]+\/[^*?]*\*$/.test(resource);
}

/**
 * For a cluster that gives pods no identity.
 * @param resource the one that says it, where the workload does without
 * @throws RunError where the workload needs one
 */
export function withoutIdentity(
  workload: string,
  { namespace, serviceAccount, grants, optional }: IdentityArgs,
  resource: pulumi.Resource,
): pulumi.Resource[] {
  const actions = [...new Set(grants.flatMap((grant) => grant.actions))].join(", ");
  const account = `the service account ${serviceAccount} of ${namespace}`;
  if (!optional) {
    throw new RunError(
      `${workload} cannot act in the cloud: it needs ${actions}\n` +
        `  why: this cluster gives ${account} no identity of a cloud\n` +
        "  fix: deploy it to a cluster with EKS Pod Identity, or leave out what needs the identity",
    );
  }
  const told = `${workload} does without an identity in the cloud, which this cluster does not give it: ${actions}.`;
  void pulumi.log.warn(told, resource);
  return [];
}
