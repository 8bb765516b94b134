/** Kubernetes user of Karpenter, by its certificate. */
export const USER = "karpenter";

/** By which all that belongs to it is found again. */
export const LABELS = {
  "app.kubernetes.io/name": "karpenter",
  "app.kubernetes.io/part-of": "drydock",
} as const;

/** Query that selects them. */
export const SELECTOR = `labelSelector=${encodeURIComponent(
  Object.entries(LABELS)
    .map(([key, value]) => `${key}=${value}`)
    .join(","),
)}`;

const GROUP = "rbac.authorization.k8s.io";
const ROOT = `/apis/${GROUP}/v1`;
/** Where nodes' leases are; those of nodes that are gone are removed. */
const LEASES = "kube-node-lease";

const READ = ["get", "list", "watch"];
const CHANGE = ["patch", "update"];

const rule = (apiGroup: string, resources: readonly string[], verbs: readonly string[]) => ({
  apiGroups: [apiGroup],
  resources,
  verbs,
});

/**
 * What Karpenter may do: as much as its chart gives it (kwok/charts of sigs.k8s.io/karpenter), without a
 * lease of its own, for it runs alone. It may make and delete nodes, and evict pods; no Secret is its to read.
 */
const RULES = [
  rule("karpenter.sh", ["nodepools", "nodeclaims", "nodeoverlays"], READ),
  rule(
    "karpenter.sh",
    ["nodeclaims", "nodeclaims/status", "nodeclaims/finalizers"],
    ["create", "delete", ...CHANGE],
  ),
  rule(
    "karpenter.sh",
    ["nodepools", "nodepools/status", "nodepools/finalizers", "nodeoverlays/status"],
    CHANGE,
  ),
  rule("karpenter.kwok.sh", ["kwoknodeclasses"], READ),
  rule("karpenter.kwok.sh", ["kwoknodeclasses", "kwoknodeclasses/status"], CHANGE),
  rule("autoscaling.x-k8s.io", ["capacitybuffers", "capacitybuffers/status"], [...READ, ...CHANGE]),
  rule(
    "",
    [
      ...["pods", "nodes", "namespaces", "podtemplates", "replicationcontrollers"],
      ...["persistentvolumes", "persistentvolumeclaims"],
    ],
    READ,
  ),
  rule("storage.k8s.io", ["storageclasses", "csinodes", "volumeattachments"], READ),
  rule("apps", ["daemonsets", "deployments", "replicasets", "statefulsets"], READ),
  rule("policy", ["poddisruptionbudgets"], READ),
  rule("apiextensions.k8s.io", ["customresourcedefinitions"], ["list", "watch"]),
  rule("", ["nodes"], ["create", "delete", ...CHANGE]),
  rule("", ["pods"], ["delete"]),
  rule("", ["pods/eviction"], ["create"]),
  rule("", ["events"], ["create", "patch"]),
];

const LEASE_RULES = [rule("coordination.k8s.io", ["leases"], [...READ, "delete"])];

/** Collections that hold objects of Karpenter's, by {@link LABELS}. Bindings go first. */
export const COLLECTIONS = [
  `${ROOT}/clusterrolebindings`,
  `${ROOT}/clusterroles`,
  `${ROOT}/namespaces/${LEASES}/rolebindings`,
  `${ROOT}/namespaces/${LEASES}/roles`,
] as const;

/** An object and the URL path of it. */
export interface Addressed {
  readonly path: string;
  readonly object: object;
}

/** Its roles and their bindings. */
export function accessObjects(): Addressed[] {
  const [clusterBindings, clusterRoles, bindings, roles] = COLLECTIONS;
  const name = USER;
  const subjects = [{ kind: "User", name: USER, apiGroup: GROUP }];
  const object = (kind: string, namespace: string | undefined, body: object) => ({
    apiVersion: `${GROUP}/v1`,
    kind,
    metadata: { name, labels: LABELS, ...(namespace === undefined ? {} : { namespace }) },
    ...body,
  });
  const binding = (kind: string, namespace?: string) =>
    object(`${kind}Binding`, namespace, { subjects, roleRef: { apiGroup: GROUP, kind, name } });
  const at = (path: string, of: object): Addressed => ({ path: `${path}/${name}`, object: of });
  return [
    at(clusterRoles, object("ClusterRole", undefined, { rules: RULES })),
    at(clusterBindings, binding("ClusterRole")),
    at(roles, object("Role", LEASES, { rules: LEASE_RULES })),
    at(bindings, binding("Role", LEASES)),
  ];
}
