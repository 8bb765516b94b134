import { ToolError } from "../errors";
import { say, type CommandContext, type Project } from "./context";
import {
  exportState,
  importState,
  runPulumi,
  type Deployment,
  type PendingOperation,
  type ResourceState,
} from "./pulumi";

/** What becomes of a cluster on this machine that does not run: see settlePending. */
export type DeadCluster = "revive" | "ignore";

/**
 * Settles what a killed run left pending, of which Pulumi cannot know how it ended. Objects of the
 * Kubernetes API that it may have created are taken into the state under the names it gave them, so that
 * a refresh finds or forgets each; forgotten at once, one with a generated name would stay as a
 * duplicate. Everything else is forgotten: our own resources are made by name, and safe to make again.
 * @param deadCluster `ignore`: its objects count as gone, for it goes itself
 * @returns Pulumi's exit code
 */
export async function settlePending(
  project: Project,
  context: CommandContext,
  deadCluster: DeadCluster,
): Promise<number> {
  const before = await exportState(project);
  const pending = before?.deployment?.pending_operations ?? [];
  if (before?.deployment === undefined || pending.length === 0) return 0;
  say(`The last run did not end: ${pending.map(describe).join(", ")}.`);
  if (deadCluster === "revive") {
    const code = await reviveCluster(project, context, before.deployment);
    if (code !== 0) return code;
  }
  const adopted = adoptCreates(before.deployment);
  if (adopted !== before.deployment) {
    await importState(project, { ...before, deployment: adopted });
  }
  const code = await refresh(project, context, deadCluster);
  if (code !== 0 && adopted !== before.deployment) {
    // Nobody has seen whether the objects exist: the state must not say that they do.
    await importState(project, before);
  }
  return code;
}

const describe = ({ type, resource }: PendingOperation): string =>
  `${type} ${resource.type.split(":").at(-1) ?? resource.type} ${resource.urn.split("::").at(-1) ?? ""}`;

function refresh(
  project: Project,
  { interactive }: CommandContext,
  deadCluster: DeadCluster,
): Promise<number> {
  const flags = ["--yes", "--skip-preview", "--clear-pending-creates"];
  return runPulumi(project, ["refresh", "--stack", project.stack, ...flags], {
    interactive,
    env: deadCluster === "ignore" ? { PULUMI_K8S_DELETE_UNREACHABLE: "true" } : {},
  });
}

/** A refresh can tell nothing of objects on a cluster that does not run. */
async function reviveCluster(
  project: Project,
  { localClusters, interactive }: CommandContext,
  { resources = [] }: Deployment,
): Promise<number> {
  const { root, settings } = project;
  const cluster = resources.find(({ type }) => type === "drydock:local:Cluster");
  if (cluster === undefined) return 0;
  const missing = await localClusters.missing(root, settings);
  if (missing.length === 0) return 0;
  say(`The cluster ${settings.clusterName} is not running whole: it is revived first.`);
  const flags = ["--yes", "--skip-preview", "--target", cluster.urn];
  return runPulumi(project, ["up", "--stack", project.stack, ...flags], { interactive });
}

/**
 * The deployment with each pending creation of a Kubernetes object as if it had succeeded: the inputs
 * that were sent, and the id that follows from the name in them. The same deployment where there is none.
 */
export function adoptCreates(deployment: Deployment): Deployment {
  const { resources = [], pending_operations: pending = [] } = deployment;
  const adopted = pending.flatMap((operation) => {
    const id = operation.type === "creating" ? objectId(operation.resource) : undefined;
    return id === undefined ? [] : [{ operation, resource: { ...operation.resource, id } }];
  });
  if (adopted.length === 0) return deployment;
  const left = pending.filter((it) => !adopted.some(({ operation }) => operation === it));
  return {
    ...deployment,
    resources: adopted.reduce((all, { resource }) => withResource(all, resource), resources),
    pending_operations: left,
  };
}

/** `namespace/name`, or `name`; undefined for what is no object with a name known beforehand. */
function objectId({ type, inputs }: ResourceState): string | undefined {
  const metadata = inputs?.metadata as { name?: unknown; namespace?: unknown } | undefined;
  if (!type.startsWith("kubernetes:") || typeof metadata?.name !== "string") return undefined;
  const { name, namespace } = metadata;
  return typeof namespace === "string" ? `${namespace}/${name}` : name;
}

/** Where the creation was one half of a replacement, the old one stays to be deleted. */
function withResource(
  resources: readonly ResourceState[],
  added: ResourceState,
): readonly ResourceState[] {
  const index = resources.findIndex(
    ({ urn, delete: going }) => urn === added.urn && going !== true,
  );
  const old = resources[index];
  if (old === undefined) return [...resources, added];
  const others = resources.map((it) => (it === old ? added : it));
  return old.pendingReplacement === true ? others : [...others, { ...old, delete: true }];
}

/** Fails when the state still has pending operations: what a recovery must not leave behind. */
export async function assertSettled(project: Project): Promise<void> {
  const pending = (await exportState(project))?.deployment?.pending_operations ?? [];
  if (pending.length === 0) return;
  throw new ToolError({
    what: `the state of ${project.stack} still has pending operations: ${pending.map(describe).join(", ")}`,
    fix: `pulumi refresh --stack ${project.stack} --clear-pending-creates`,
  });
}
