import { annotation, groupOf, refOf, type KubernetesObject } from "../objects";
import { awaitsAll, skipsAwait } from "../annotations";
import { apiServiceRule } from "./api-service";
import { customResourceDefinitionRule } from "./custom-resource-definition";
import { daemonSetRule } from "./daemon-set";
import { deploymentRule } from "./deployment";
import { genericRule } from "./generic";
import { horizontalPodAutoscalerRule } from "./horizontal-pod-autoscaler";
import { ingressRule } from "./ingress";
import { jobRule } from "./job";
import { podRule } from "./pod";
import { replicaSetRule } from "./replica-set";
import { resourceQuotaRule } from "./resource-quota";
import type { AwaitRule } from "./rule";
import { secretRule } from "./secret";
import { serviceRule } from "./service";
import { statefulSetRule } from "./stateful-set";
import { volumeRule } from "./volume";
import { volumeClaimRule } from "./volume-claim";
import { waitForRule } from "./wait-for";
import { parseWaitFor, WAIT_FOR } from "./wait-for-syntax";

/** When an object of a kind is ready, by group and kind. Any other kind is ready once it exists. */
const RULES: Readonly<Record<string, AwaitRule>> = {
  "/PersistentVolume": volumeRule,
  "/PersistentVolumeClaim": volumeClaimRule,
  "/Pod": podRule,
  "/ReplicationController": replicaSetRule,
  "/ResourceQuota": resourceQuotaRule,
  "/Secret": secretRule,
  "/Service": serviceRule,
  "apiextensions.k8s.io/CustomResourceDefinition": customResourceDefinitionRule,
  "apiregistration.k8s.io/APIService": apiServiceRule,
  "apps/DaemonSet": daemonSetRule,
  "apps/Deployment": deploymentRule,
  "apps/ReplicaSet": replicaSetRule,
  "apps/StatefulSet": statefulSetRule,
  "autoscaling/HorizontalPodAutoscaler": horizontalPodAutoscalerRule,
  "batch/Job": jobRule,
  "networking.k8s.io/Ingress": ingressRule,
};

export function awaitRuleFor(apiVersion: string, kind: string): AwaitRule | undefined {
  return RULES[`${groupOf(apiVersion)}/${kind}`];
}

/**
 * What an object is waited for: nothing where it says so itself, what it asks for by annotation,
 * what its kind needs, or, on request, what most controllers keep to.
 *
 * @param declared The object as the program has it: annotations that others add do not count.
 * @throws PluginError for an annotation that cannot be understood.
 */
export function chooseRule(declared: KubernetesObject): AwaitRule | undefined {
  if (skipsAwait(declared)) {
    return undefined;
  }
  const wish = annotation(declared, WAIT_FOR);
  if (wish !== undefined && wish !== "") {
    return waitForRule(parseWaitFor(wish));
  }
  const { apiVersion, kind } = refOf(declared);
  return awaitRuleFor(apiVersion, kind) ?? (awaitsAll() ? genericRule : undefined);
}
