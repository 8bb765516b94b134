import { groupOf } from "../objects";
import { customResourceDefinitionRule } from "./custom-resource-definition";
import { deploymentRule } from "./deployment";
import { podRule } from "./pod";
import type { AwaitRule } from "./rule";
import { serviceRule } from "./service";
import { volumeClaimRule } from "./volume-claim";

/** When an object of a kind is ready, by group and kind. Any other kind is ready once it exists. */
const RULES: Readonly<Record<string, AwaitRule>> = {
  "/PersistentVolumeClaim": volumeClaimRule,
  "/Pod": podRule,
  "/Service": serviceRule,
  "apiextensions.k8s.io/CustomResourceDefinition": customResourceDefinitionRule,
  "apps/Deployment": deploymentRule,
};

export function awaitRuleFor(apiVersion: string, kind: string): AwaitRule | undefined {
  return RULES[`${groupOf(apiVersion)}/${kind}`];
}
