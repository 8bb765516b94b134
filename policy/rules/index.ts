import type { Concern, Rule } from "../rule";
import { accountRules } from "./accounts";
import { availability } from "./availability";
import { awsData } from "./aws-data";
import { awsNetwork } from "./aws-network";
import { containerSecurity } from "./container-security";
import { data } from "./data";
import { eks } from "./eks";
import { exceptionRules } from "./exceptions";
import { iam } from "./iam";
import { images } from "./images";
import { namespaces } from "./namespaces";
import { network } from "./network";
import { nodes } from "./nodes";
import { podSecurity } from "./pod-security";
import { probes } from "./probes";
import { rbac } from "./rbac";
import { resources } from "./resources";
import { scaling } from "./scaling";
import { secrets } from "./secrets";

const groups = {
  "workload security": [...containerSecurity, ...podSecurity],
  images,
  availability: [...probes, ...resources, ...availability, ...scaling],
  network,
  identity: [...accountRules, ...rbac],
  data: [...secrets, ...data],
  "cost and order": namespaces,
  EKS: [...eks, ...nodes],
  "AWS network": awsNetwork,
  "AWS identity": iam,
  "AWS data": awsData,
  exceptions: exceptionRules,
} as const;

/** Every id, so that a misspelt one does not compile. */
export type RuleId = (typeof groups)[keyof typeof groups][number]["id"];

/** The rules by what they are about, in the order of the documentation. */
export const rulesByConcern: Readonly<Record<Concern, readonly Rule<RuleId>[]>> = groups;

export const rules: readonly Rule<RuleId>[] = Object.values(rulesByConcern).flat();
