import type { Field } from "../field";
import { same, type Truth } from "../logic";
import type { Resource } from "../resource";

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
export function namespaceOf(resource: Resource): string | undefined {
  const field = resource.at("metadata", "namespace");
  return field.isAbsent ? "default" : field.text;
}

/** The object's name; undefined where it is not known yet, or where the provider gives it. */
export function nameOf(resource: Resource): string | undefined {
  const field = resource.at("metadata", "name");
  if (field.isAbsent) resource.undecided.add(field.path);
  return field.text;
}

export function sameNamespace(a: Resource, b: Resource): Truth {
  return same(namespaceOf(a), namespaceOf(b));
}

/** The labels that an object carries. */
export type Labels = Readonly<Record<string, string>> | undefined;

/** Whether a map of labels, as a Service has it, selects. An empty one selects nothing. */
export function labelsSelect(selector: Labels, labels: Labels): Truth {
  if (selector === undefined || labels === undefined) return undefined;
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

/** Whether a LabelSelector selects. An empty one selects everything. */
export function selectorSelects(selector: Field, labels: Labels): Truth {
  if (selector.isUnknown || labels === undefined) return undefined;
  const wanted = selector.at("matchLabels").textMap();
  if (wanted === undefined) return undefined;
  if (Object.entries(wanted).some(([key, value]) => labels[key] !== value)) return false;
  let truth: Truth = true;
  for (const expression of selector.at("matchExpressions").items()) {
    const passed = expressionSelects(expression, labels);
    if (passed === false) return false;
    if (passed === undefined) truth = undefined;
  }
  return truth;
}

function expressionSelects(expression: Field, labels: NonNullable<Labels>): Truth {
  const [key, operator] = [expression.at("key").text, expression.at("operator").text];
  const values = expression.at("values").texts();
  if (key === undefined || operator === undefined || values === undefined) return undefined;
  const label = labels[key];
  switch (operator) {
    case "In":
      return label !== undefined && values.includes(label);
    case "NotIn":
      return label === undefined || !values.includes(label);
    case "Exists":
      return label !== undefined;
    case "DoesNotExist":
      return label === undefined;
    default:
      return undefined;
  }
}

/**
 * Whether a name in `user` is that of one of the objects. An unknown name that comes from one of them counts
 * as found: the reference cannot miss it.
 */
export function refersTo(user: Resource, name: Field, candidates: readonly Resource[]): Truth {
  if (name.isPending && candidates.some(({ urn }) => user.facts.dependencies.includes(urn))) {
    return true;
  }
  const wanted = name.text;
  if (wanted === undefined) return undefined;
  const names = candidates.map((one) => (isNamed(one) ? nameOf(one) : undefined));
  if (names.includes(wanted)) return true;
  // A name that the provider is still to give may be the one.
  return candidates.some((one) => !isNamed(one)) ? undefined : false;
}

function isNamed(resource: Resource): boolean {
  const { metadata } = resource.facts.inputs;
  return typeof metadata === "object" && metadata !== null && "name" in metadata;
}
