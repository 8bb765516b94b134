import { groupOf } from "./objects";
import { parsePath, related, type Path } from "./paths";
import type { Settings } from "./settings";

/**
 * Fields the API server lets no update change, by group and kind. What is missing here is found by
 * a dry run; these also hold where no dry run is possible.
 */
const IMMUTABLE: Readonly<Record<string, readonly string[]>> = {
  "/PersistentVolumeClaim": [
    "spec.accessModes",
    "spec.storageClassName",
    "spec.selector",
    "spec.volumeName",
    "spec.volumeMode",
    "spec.dataSource",
    "spec.dataSourceRef",
  ],
  "/ResourceQuota": ["spec.scopes", "spec.scopeSelector"],
  "/Secret": ["type"],
  "/Service": ["spec.clusterIP", "spec.clusterIPs"],
  "apiextensions.k8s.io/CustomResourceDefinition": ["spec.group", "spec.scope"],
  "apps/DaemonSet": ["spec.selector"],
  "apps/Deployment": ["spec.selector"],
  "apps/ReplicaSet": ["spec.selector"],
  "apps/StatefulSet": [
    "spec.podManagementPolicy",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
  ],
  "batch/Job": ["spec.completionMode", "spec.selector", "spec.template"],
  "networking.k8s.io/IngressClass": ["spec.controller"],
  "node.k8s.io/RuntimeClass": ["handler"],
  "rbac.authorization.k8s.io/ClusterRoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/RoleBinding": ["roleRef"],
  "scheduling.k8s.io/PriorityClass": ["preemptionPolicy", "value"],
  "storage.k8s.io/StorageClass": [
    "parameters",
    "provisioner",
    "reclaimPolicy",
    "volumeBindingMode",
  ],
};

const IDENTITY = ["metadata.name", "metadata.namespace"];

/** Paths that tell one object from another. */
export function identityPaths(): Path[] {
  return IDENTITY.map((field) => parsePath(field));
}

/** Paths whose change replaces an object of this kind. */
export function replacingPaths(
  apiVersion: string,
  kind: string,
  settings: Pick<Settings, "enableConfigMapMutable" | "enableSecretMutable">,
): Path[] {
  const key = `${groupOf(apiVersion)}/${kind}`;
  const fields = [...IDENTITY, ...(IMMUTABLE[key] ?? [])];
  // Replacing what pods read makes them notice: their reference changes with the name.
  if (key === "/ConfigMap" && !settings.enableConfigMapMutable) {
    fields.push("data", "binaryData");
  }
  if (key === "/Secret" && !settings.enableSecretMutable) {
    fields.push("data", "stringData");
  }
  return fields.map((field) => parsePath(field));
}

export function isReplacing(path: Path, replacing: readonly Path[]): boolean {
  return replacing.some((field) => related(path, field));
}
