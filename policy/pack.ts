import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";

import { documentAddress } from "./document";
import { defaultLevel, type Rule } from "./rule";
import { rules } from "./rules";
import { Session } from "./session";

/** The policies of the pack; those that report on the others run last. */
export function policies(
  today: () => string,
): (ResourceValidationPolicy | StackValidationPolicy)[] {
  const session = new Session(today);
  return rules.map(
    (rule) =>
      ({ ...metadata(rule), ...session.validation(rule) }) as
        ResourceValidationPolicy | StackValidationPolicy,
  );
}

function metadata(rule: Rule) {
  const { parameters } = rule;
  return {
    name: rule.id,
    description: rule.title,
    displayName: rule.title.replace(/\.$/, ""),
    enforcementLevel: defaultLevel(rule.severity),
    severity: rule.severity,
    tags: [...rule.references],
    remediationSteps: rule.fix,
    url: documentAddress(rule),
    ...(Object.keys(parameters).length > 0 && { configSchema: { properties: parameters } }),
  };
}
