import type { Field } from "../field";
import { every, same, some, type Truth } from "../logic";
import { once, type Resource } from "../resource";

/** Kinds without a namespace, of those that programs declare. */
const CLUSTER_SCOPED = new Set([
  "core/Namespace",
  "core/Node",
  "core/PersistentVolume",
  "rbac.authorization.k8s.io/ClusterRole",
  "rbac.authorization.k8s.io/ClusterRoleBinding",
  "storage.k8s.io/StorageClass",
  "storage.k8s.io/CSIDriver",
  "storage.k8s.io/VolumeAttributesClass",
  "networking.k8s.io/IngressClass",
  "scheduling.k8s.io/PriorityClass",
  "node.k8s.io/RuntimeClass",
  "apiextensions.k8s.io/CustomResourceDefinition",
  "apiregistration.k8s.io/APIService",
  "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
  "admissionregistration.k8s.io/MutatingWebhookConfiguration",
  "admissionregistration.k8s.io/ValidatingAdmissionPolicy",
  "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding",
]);

/** Objects of the API's own groups that live in a namespace. */
export const NAMESPACED = [
  "core/ConfigMap",
  "core/Secret",
  "core/Service",
  "core/ServiceAccount",
  "core/PersistentVolumeClaim",
  "core/ResourceQuota",
  "core/LimitRange",
  "core/Pod",
  "core/ReplicationController",
  "apps/Deployment",
  "apps/StatefulSet",
  "apps/DaemonSet",
  "apps/ReplicaSet",
  "batch/Job",
  "batch/CronJob",
  "autoscaling/HorizontalPodAutoscaler",
  "policy/PodDisruptionBudget",
  "networking.k8s.io/Ingress",
  "networking.k8s.io/NetworkPolicy",
  "rbac.authorization.k8s.io/Role",
  "rbac.authorization.k8s.io/RoleBinding",
] as const;

export function isClusterScoped({ kind }: Resource): boolean {
  return CLUSTER_SCOPED.has(kind);
}

/** The object's namespace; undefined where it is not known yet. */
export const namespaceOf = once((resource: Resource): string | undefined => {
  const field = resource.at("metadata", "namespace");
  return field.isAbsent ? "default" : field.text;
});

/** The object's name; undefined where it is not known yet, or where the provider gives it. */
export const nameOf = once((resource: Resource): string | undefined => {
  const field = resource.at("metadata", "name");
  if (field.isAbsent) resource.undecided.add(field.path);
  return field.text;
});

export function sameNamespace(a: Resource, b: Resource): Truth {
  return same(namespaceOf(a), namespaceOf(b));
}

/** The labels that an object carries. */
export type Labels = Readonly<Record<string, string>> | undefined;

/** Whether a selector takes labels. */
export type Selector = (labels: Labels) => Truth;

/** A map of labels, as a Service has it. An empty one selects nothing. */
export function labelSelector(field: Field): Selector {
  const wanted = field.textMap();
  const entries = Object.entries(wanted ?? {});
  return (labels) => {
    if (wanted === undefined || labels === undefined) return undefined;
    return entries.length > 0 && entries.every(([key, value]) => labels[key] === value);
  };
}

/** A LabelSelector. An empty one selects everything. */
export function selectorOf(field: Field): Selector {
  if (field.isUnknown) return () => undefined;
  const wanted = field.at("matchLabels").textMap();
  const entries = Object.entries(wanted ?? {});
  const expressions = field.at("matchExpressions").items().map(expressionOf);
  return (labels) => {
    if (wanted === undefined || labels === undefined) return undefined;
    if (entries.some(([key, value]) => labels[key] !== value)) return false;
    return every(expressions, (selects) => selects(labels));
  };
}

function expressionOf(field: Field): Selector {
  const [key, operator] = [field.at("key").text, field.at("operator").text];
  const values = field.at("values").texts();
  if (key === undefined || operator === undefined || values === undefined) return () => undefined;
  const accepts: Readonly<Record<string, (label: string | undefined) => boolean>> = {
    In: (label) => label !== undefined && values.includes(label),
    NotIn: (label) => label === undefined || !values.includes(label),
    Exists: (label) => label !== undefined,
    DoesNotExist: (label) => label === undefined,
  };
  return (labels) => (labels === undefined ? undefined : accepts[operator]?.(labels[key]));
}

/**
 * Whether a name in `user` is that of one of the objects. One that `user` depends on counts as found while
 * the name is not known yet on one side: it comes from there.
 */
export function refersTo(user: Resource, name: Field, candidates: readonly Resource[]): Truth {
  const source = candidates.some(
    (one) =>
      user.facts.dependencies.includes(one.urn) &&
      (name.isPending || !one.at("metadata", "name").isPlain),
  );
  if (source) return true;
  const wanted = name.text;
  if (wanted === undefined) return undefined;
  const plain = candidates.filter((one) => one.at("metadata", "name").isPlain);
  if (some(plain, (one) => nameOf(one) === wanted) === true) return true;
  // A name that is not given yet may be the one.
  return candidates.map(nameOf).includes(undefined) ? undefined : false;
}
