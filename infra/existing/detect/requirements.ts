import { supportedMinors } from "../../../config/kubernetes-versions";
import type { ApiServer } from "./api-server";
import { ExistingClusterError } from "./errors";

interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
}

const right =
  (group: string, ...verbs: string[]) =>
  (resource: string): Right[] =>
    verbs.map((verb) => ({ verb, group, resource }));

/** What the detection reads and the platform and the apps write, all of it for the whole cluster. */
const NEEDED: readonly Right[] = [
  ...["nodes", "services"].flatMap(right("", "list")),
  ...["daemonsets", "deployments"].flatMap(right("apps", "list")),
  ...["storageclasses"].flatMap(right("storage.k8s.io", "list")),
  ...[
    "namespaces",
    "configmaps",
    "services",
    "serviceaccounts",
    "resourcequotas",
    "limitranges",
  ].flatMap(right("", "create", "patch", "delete")),
  ...["deployments"].flatMap(right("apps", "create", "patch", "delete")),
  ...["networkpolicies"].flatMap(right("networking.k8s.io", "create", "patch", "delete")),
  ...["poddisruptionbudgets"].flatMap(right("policy", "create", "patch", "delete")),
];

/** @throws ExistingClusterError that names every right that is missing */
export async function requireRights(api: ApiServer, where: string): Promise<void> {
  const allowed = await Promise.all(NEEDED.map((needed) => isAllowed(api, needed)));
  const missing = NEEDED.filter((_, index) => allowed[index] !== true);
  if (missing.length === 0) return;
  const kinds = new Map<string, string[]>();
  for (const { verb, group, resource } of missing) {
    const kind = group === "" ? resource : `${resource}.${group}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), verb]);
  }
  const list = [...kinds].map(([kind, verbs]) => `${verbs.join(", ")} ${kind}`);
  throw new ExistingClusterError({
    what: "the user of the kubeconfig may not do what this stack needs (403)",
    where,
    why: `in the whole cluster it may not: ${list.join("; ")}`,
    fix: "ask the cluster's administrator for these rights, or choose a context of another user",
  });
}

async function isAllowed(api: ApiServer, resourceAttributes: Right): Promise<boolean> {
  const review = await api.post<{ status?: { allowed?: boolean } }>(
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes },
    },
  );
  return review.status?.allowed === true;
}

/** @throws ExistingClusterError */
export function requireVersion(version: string, where: string): void {
  const { oldest, newest } = supportedMinors;
  const minor = Number(/^1\.(\d+)/.exec(version)?.[1]);
  if (minor >= oldest && minor <= newest) return;
  const tooOld = minor < oldest;
  throw new ExistingClusterError({
    what: `Kubernetes ${version} is too ${tooOld ? "old" : "new"}`,
    where,
    why: `this project supports 1.${String(oldest)} to 1.${String(newest)}`,
    fix: tooOld
      ? `upgrade the cluster to 1.${String(oldest)} or later`
      : "use a later release of drydock, or a cluster of a supported version",
  });
}

/** @throws ExistingClusterError */
export function requireIdentity(uid: string, wanted: string | undefined, where: string): void {
  if (wanted === undefined || wanted === uid) return;
  throw new ExistingClusterError({
    what: "the kubeconfig leads to another cluster than the one that is meant",
    where,
    why: `its namespace kube-system has the UID ${uid}; drydock:cluster.identity is ${wanted}`,
    fix: `choose the context of the cluster that is meant (drydock:cluster.context), or set identity to ${uid}`,
  });
}
