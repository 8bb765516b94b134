import { eksRules } from "./eks/rules";
import { entryProblems, takenNamespace } from "./entries";
import type { Problem } from "./errors";
import { problem } from "./explain";
import { bytes, formatBytes, formatMillicores, millicores } from "./quantity";
import type { Config } from "./schema";
import { suggest } from "./suggest";

/**
 * Keys that are right one by one and impossible together.
 * @param config the sections that are right in themselves
 */
export function impossibleCombinations({ cluster, apps, platform }: Partial<Config>): Problem[] {
  return [
    ...(cluster?.kind === "local" ? nodes(cluster) : []),
    ...(cluster?.kind === "eks" ? eksRules(cluster) : []),
    ...(cluster === undefined || apps === undefined ? [] : onCluster(cluster, apps)),
    ...(cluster === undefined || platform === undefined ? [] : takenNamespace(cluster, platform)),
    ...(apps === undefined || platform === undefined ? [] : appNamespaces(apps, platform)),
  ];
}

function onCluster(cluster: Config["cluster"], apps: Config["apps"]): Problem[] {
  const rules = [images, externalSecrets, entryProblems];
  return rules.flatMap((rule) => rule(cluster, apps));
}

type LocalNodes = Extract<Config["cluster"], { kind: "local" }>["nodes"];

function nodes(cluster: Extract<Config["cluster"], { kind: "local" }>): Problem[] {
  if (cluster.engine === "kind") return kindNodes(cluster.nodes);
  return [...pendingPods(cluster.nodes), ...karpenterLabels(cluster.nodes)];
}

function pendingPods({ real, simulated }: LocalNodes): Problem[] {
  if (real !== "never" || simulated > 0) return [];
  return [
    problem(
      "drydock:cluster.nodes.simulated",
      simulated,
      'must be 1 or more where nodes.real is "never": no pod could be scheduled',
      'set it to 1, or nodes.real to "auto"',
    ),
  ];
}

/** What Karpenter itself says of a node; with another value it would find no node to make. */
function karpenterLabels({ autoscaling, labels }: LocalNodes): Problem[] {
  if (autoscaling.kind !== "karpenter") return [];
  const own = /^(?:node\.kubernetes\.io\/instance-type$|(?:[^/]+\.)?karpenter(?:\.kwok)?\.sh\/)/;
  return Object.entries(labels.simulated)
    .filter(([key]) => own.test(key))
    .map(([key, value]) =>
      problem(
        `drydock:cluster.nodes.labels.simulated.${key}`,
        value,
        'must not be set where nodes.autoscaling.kind is "karpenter": Karpenter sets it itself',
        "remove it, or use a prefix of your own, such as example.com/",
      ),
    );
}

/** kind's one node is real, and kwok's stand beside a native control plane only. */
function kindNodes({ real, simulated, autoscaling }: LocalNodes): Problem[] {
  const fix = 'remove it, or set engine to "native"';
  const key = "drydock:cluster.nodes";
  return [
    ...(real === "never"
      ? [problem(`${key}.real`, real, 'must not be "never" where engine is "kind"', fix)]
      : []),
    ...(simulated > 0
      ? [problem(`${key}.simulated`, simulated, 'must be 0 where engine is "kind"', fix)]
      : []),
    ...(autoscaling.kind === "karpenter"
      ? [
          problem(
            `${key}.autoscaling.kind`,
            autoscaling.kind,
            'must be "none" where engine is "kind": kind\'s node cannot be simulated',
            fix,
          ),
        ]
      : []),
  ];
}

/** An image that is built here must get to the nodes, and a cluster of others takes it from a registry only. */
function images(cluster: Config["cluster"], apps: Config["apps"]): Problem[] {
  if (cluster.kind !== "existing" || cluster.registry !== undefined) return [];
  return Object.entries(apps).flatMap(([app, { image }]) => {
    if (image !== undefined) return [];
    const rule = "is missing; the nodes of an existing cluster get an image from a registry only";
    const fix = `add an image that they can pull, or drydock:cluster.registry, where the project's own is pushed`;
    return [{ key: `drydock:apps.${app}.image`, rule, fix }];
  });
}

/** An entry of AWS is read by a driver that has to be there, with a role that the cluster has to give. */
function externalSecrets(cluster: Config["cluster"], { uploader }: Config["apps"]): Problem[] {
  const { token } = uploader;
  if (token === undefined || (cluster.kind === "eks" && cluster.secrets.externalStore)) return [];
  const rule =
    cluster.kind === "eks"
      ? "must not be set where secrets.externalStore is false: nothing would read the entry"
      : `must not be set where cluster.kind is "${cluster.kind}": pods get no role of AWS there`;
  const fix =
    cluster.kind === "eks" ? "set drydock:cluster.secrets.externalStore to true" : "remove it";
  return [problem("drydock:apps.uploader.token", token, rule, fix)];
}

function appNamespaces(apps: Config["apps"], platform: Config["platform"]): Problem[] {
  const names = Object.keys(platform.namespaces);
  const unknown = Object.entries(apps).flatMap(([app, { namespace }]) => {
    if (names.includes(namespace)) return [];
    const near = suggest(namespace, names);
    const rule = `must be one of drydock:platform.namespaces: ${names.join(", ")}`;
    const fix = near === undefined ? "change it, or add the namespace" : `did you mean "${near}"?`;
    return [problem(`drydock:apps.${app}.namespace`, namespace, rule, fix)];
  });
  return [...unknown, ...names.flatMap((namespace) => overQuota(namespace, apps, platform))];
}

/** What the pods of an app ask for at most, in numbers. */
interface Claim {
  readonly app: string;
  readonly replicas: number;
  readonly pods: number;
  readonly cpu: number;
  readonly memory: number;
}

type Quota = Config["platform"]["namespaces"][string]["quota"];

/** One app that does not fit is named; where each fits and all together do not, the quota is. */
function overQuota(
  namespace: string,
  apps: Config["apps"],
  { namespaces }: Config["platform"],
): Problem[] {
  const quota = namespaces[namespace]?.quota;
  if (quota === undefined) return [];
  const claims = Object.entries(apps).flatMap(([app, settings]) =>
    settings.namespace === namespace ? claimOf(app, settings) : [],
  );
  const key = `drydock:platform.namespaces.${namespace}.quota`;
  const alone = claims.flatMap((claim) => {
    const exceeded = exceeds([claim], quota);
    if (exceeded === "") return [];
    const rule = `must fit, with one more pod during a rollout, in the quota of namespace ${namespace}: ${exceeded}`;
    const at = `drydock:apps.${claim.app}.replicas`;
    return [problem(at, claim.replicas, rule, `lower it, or raise ${key}`)];
  });
  const together = exceeds(claims, quota);
  if (alone.length > 0 || together === "") return alone;
  const names = claims.map(({ app }) => app).join(", ");
  const rule = `must hold ${names}, each with one more pod during a rollout: ${together}`;
  return [problem(key, quota, rule, "raise it, or lower the apps' replicas or resources")];
}

/** The uploader and its sidecar. */
const UPLOADER_CONTAINERS = 2;

/** A rollout starts one new pod before it stops an old one, so it needs room for one more. */
function claimOf(app: string, settings: Config["apps"][keyof Config["apps"]]): Claim[] {
  const replicas = "replicas" in settings ? settings.replicas : 1;
  const { cpu, memory } = settings.resources;
  const pods = replicas + 1;
  if (replicas === 0) return [];
  const containers = "storage" in settings ? UPLOADER_CONTAINERS * pods : pods;
  return [
    { app, replicas, pods, cpu: millicores(cpu) * containers, memory: bytes(memory) * containers },
  ];
}

/** What is exceeded, in words; "" where all fits. */
function exceeds(claims: readonly Claim[], quota: Quota): string {
  const sum = (of: "pods" | "cpu" | "memory") => claims.reduce((total, one) => total + one[of], 0);
  const [pods, cpu, memory] = [sum("pods"), sum("cpu"), sum("memory")];
  return [
    pods > quota.pods && `pods: needs ${pods}, has ${quota.pods}`,
    cpu > millicores(quota.cpu) && `cpu: needs ${formatMillicores(cpu)}, has ${quota.cpu}`,
    memory > bytes(quota.memory) && `memory: needs ${formatBytes(memory)}, has ${quota.memory}`,
  ]
    .filter((text) => text !== false)
    .join("; ");
}
