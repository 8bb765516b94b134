import { groupOf, textAt, type Json } from "./objects";

/** The built-in kinds that live outside namespaces; every other built-in kind lives in one. */
const CLUSTER_SCOPED: ReadonlySet<string> = new Set([
  "/ComponentStatus",
  "/Namespace",
  "/Node",
  "/PersistentVolume",
  "admissionregistration.k8s.io/MutatingAdmissionPolicy",
  "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding",
  "admissionregistration.k8s.io/MutatingWebhookConfiguration",
  "admissionregistration.k8s.io/ValidatingAdmissionPolicy",
  "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding",
  "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
  "apiextensions.k8s.io/CustomResourceDefinition",
  "apiregistration.k8s.io/APIService",
  "certificates.k8s.io/CertificateSigningRequest",
  "certificates.k8s.io/ClusterTrustBundle",
  "flowcontrol.apiserver.k8s.io/FlowSchema",
  "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration",
  "networking.k8s.io/IPAddress",
  "networking.k8s.io/IngressClass",
  "networking.k8s.io/ServiceCIDR",
  "node.k8s.io/RuntimeClass",
  "rbac.authorization.k8s.io/ClusterRole",
  "rbac.authorization.k8s.io/ClusterRoleBinding",
  "resource.k8s.io/DeviceClass",
  "resource.k8s.io/ResourceSlice",
  "scheduling.k8s.io/PriorityClass",
  "storage.k8s.io/CSIDriver",
  "storage.k8s.io/CSINode",
  "storage.k8s.io/StorageClass",
  "storage.k8s.io/VolumeAttachment",
  "storage.k8s.io/VolumeAttributesClass",
]);

const BUILT_IN_GROUPS: ReadonlySet<string> = new Set([
  "",
  "apps",
  "autoscaling",
  "batch",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "events.k8s.io",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
]);

/** Where the objects of a kind live, as far as that is known without asking the cluster. */
export class Scopes {
  private readonly declared = new Map<string, boolean>();

  /** Whether objects of the kind live in a namespace; undefined for kinds to look up. */
  isNamespaced(apiVersion: string, kind: string): boolean | undefined {
    const group = groupOf(apiVersion);
    const key = `${group}/${kind}`;
    if (CLUSTER_SCOPED.has(key)) {
      return false;
    }
    return BUILT_IN_GROUPS.has(group) ? true : this.declared.get(key);
  }

  /** Remembers a kind that this program defines: its objects may come before it is created. */
  learn(object: Json): void {
    if (textAt(object, "kind") === "CustomResourceDefinition") {
      const key = `${textAt(object, "spec", "group")}/${textAt(object, "spec", "names", "kind")}`;
      this.declared.set(key, textAt(object, "spec", "scope") === "Namespaced");
    }
  }
}
