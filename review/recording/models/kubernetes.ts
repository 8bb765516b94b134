import { isMap, type PropertyMap, type PropertyValue } from "../../../toolchain/plugin/values";
import type { ResourceModel } from "../recorder";

/** The name of an object that Pulumi names; x stands for what is drawn when it is made. */
export const autoName = (name: string) => `${name}-xxxxxxxx`;

/** What the Kubernetes provider and a cluster add to an object. */
function object(computed: PropertyMap = {}): ResourceModel {
  return ({ name, inputs }) => ({
    known: { metadata: { name: autoName(name), ...asMap(inputs.metadata) } },
    computed,
  });
}

function asMap(value: PropertyValue | undefined): PropertyMap {
  return isMap(value) ? value : {};
}

function serviceStatus({ spec }: PropertyMap): PropertyMap {
  const balanced = asMap(spec).type === "LoadBalancer";
  return { status: { loadBalancer: balanced ? { ingress: [{ ip: "127.0.0.1" }] } : {} } };
}

/** The kinds that the program uses. */
export const kubernetesModel: Readonly<Record<string, ResourceModel>> = {
  "pulumi:providers:kubernetes": () => ({}),
  "kubernetes:core/v1:Namespace": object({ status: { phase: "Active" } }),
  "kubernetes:core/v1:ResourceQuota": object(),
  "kubernetes:core/v1:LimitRange": object(),
  "kubernetes:core/v1:ServiceAccount": object(),
  "kubernetes:core/v1:ConfigMap": object(),
  "kubernetes:core/v1:Secret": object(),
  "kubernetes:core/v1:PersistentVolumeClaim": object({ status: { phase: "Bound" } }),
  "kubernetes:core/v1:Service": (created) => object(serviceStatus(created.inputs))(created),
  "kubernetes:apps/v1:Deployment": object({ status: { availableReplicas: 3 } }),
  "kubernetes:apps/v1:StatefulSet": object({ status: { readyReplicas: 1 } }),
  "kubernetes:autoscaling/v2:HorizontalPodAutoscaler": object(),
  "kubernetes:networking.k8s.io/v1:NetworkPolicy": object(),
  "kubernetes:networking.k8s.io/v1:Ingress": object({
    status: { loadBalancer: { ingress: [{ ip: "127.0.0.1", ports: [{ port: 8000 }] }] } },
  }),
  "kubernetes:networking.k8s.io/v1:IngressClass": object(),
  "kubernetes:rbac.authorization.k8s.io/v1:Role": object(),
  "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": object(),
  "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole": object(),
  "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": object(),
  "kubernetes:apiregistration.k8s.io/v1:APIService": object(),
  "kubernetes:policy/v1:PodDisruptionBudget": object(),
  "kubernetes:storage.k8s.io/v1:StorageClass": object(),
  "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass": object(),
  "kubernetes:karpenter.kwok.sh/v1alpha1:KWOKNodeClass": object(),
  "kubernetes:karpenter.sh/v1:NodePool": object(),
  "kubernetes:secrets-store.csi.x-k8s.io/v1:SecretProviderClass": object(),
  "kubernetes:helm.sh/v3:Release": () => ({ computed: { status: { status: "deployed" } } }),
};
