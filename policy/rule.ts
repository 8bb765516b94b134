import type { Finding } from "./field";
import type { Resource, Stack } from "./resource";

export const SEVERITIES = ["critical", "high", "medium", "low"] as const;
export type Severity = (typeof SEVERITIES)[number];

export const CONCERNS = [
  "workload security",
  "images",
  "availability",
  "network",
  "identity",
  "data",
  "cost and order",
  "EKS",
  "AWS network",
  "AWS identity",
  "AWS data",
  "exceptions",
] as const;
export type Concern = (typeof CONCERNS)[number];

/** A value that a stack's configuration may set, as JSON schema with a default. */
export interface Parameter<T = unknown> {
  readonly type: "integer" | "string" | "boolean" | "array";
  readonly default: T;
  readonly description: string;
  readonly minimum?: number;
  readonly enum?: readonly string[];
  readonly items?: { readonly type: "string" };
}

export type Parameters = Readonly<Record<string, Parameter>>;
export type Values<P extends Parameters> = { readonly [K in keyof P]: P[K]["default"] };

export interface RuleDefinition<Id extends string, P extends Parameters> {
  /** `<subject>-<requirement>`; never renamed and never used again, since files and annotations name it. */
  readonly id: Id;
  /** The requirement as one sentence. */
  readonly title: string;
  readonly severity: Severity;
  /** Kinds that it judges: `apps/Deployment`, or a type token. */
  readonly applies: readonly string[];
  /** What happens where it is broken. */
  readonly why: string;
  /** Standards that ask for it, and public checkers that have it. */
  readonly references: readonly string[];
  /** What to set, naming the property. */
  readonly fix: string;
  readonly parameters?: P;
  /** Judges the inputs of one resource before its step: a finding blocks the step. */
  readonly check?: (resource: Resource, values: Values<P>) => Iterable<Finding>;
  /** Judges all resources together after the last step, in a preview too. */
  readonly checkStack?: (stack: Stack, values: Values<P>) => Iterable<Finding>;
}

export interface Rule<Id extends string = string> extends Omit<
  RuleDefinition<Id, Parameters>,
  "check" | "checkStack"
> {
  readonly parameters: Parameters;
  readonly check?: (resource: Resource, values: Values<Parameters>) => Iterable<Finding>;
  readonly checkStack?: (stack: Stack, values: Values<Parameters>) => Iterable<Finding>;
}

/** Types the parameters inside a rule, and keeps its id as a literal for `RuleId`. */
export function rule<const Id extends string, P extends Parameters = Parameters>(
  definition: RuleDefinition<Id, P>,
): Rule<Id> {
  return { parameters: {}, ...definition } as unknown as Rule<Id>;
}

export function defaults(parameters: Parameters): Values<Parameters> {
  return Object.fromEntries(Object.entries(parameters).map(([key, one]) => [key, one.default]));
}

export function integer(value: number, description: string, minimum = 0): Parameter<number> {
  return { type: "integer", default: value, minimum, description };
}

export function texts(value: readonly string[], description: string): Parameter<readonly string[]> {
  return { type: "array", items: { type: "string" }, default: value, description };
}

export function flag(value: boolean, description: string): Parameter<boolean> {
  return { type: "boolean", default: value, description };
}

export type Level = "advisory" | "mandatory";

/** What the pack does where a stack's configuration says nothing else. */
export function defaultLevel(severity: Severity): Level {
  return severity === "low" ? "advisory" : "mandatory";
}
