import { type DeclaredException, declaredExceptions } from "./declared";
import type { Finding } from "./field";
import { Resource, type ResourceFacts, Stack } from "./resource";
import { defaults, type Parameters, type Rule, type Values } from "./rule";
import { rules } from "./rules";

/** A path that a rule read and that is not known yet. */
export interface Undecided {
  readonly urn: string;
  readonly path: string;
  readonly rule: string;
}

/** What a rule says, exceptions left aside. */
export interface Verdict {
  readonly findings: readonly Finding[];
  readonly undecided: readonly Undecided[];
}

/** Values of a rule's parameters. */
export type Settings = Values<Parameters>;

/** What a rule says of one resource. @param settings default: those of the rule */
export function judge(
  rule: Rule,
  facts: ResourceFacts,
  settings: Settings = defaults(rule.parameters),
): Verdict {
  const resource = new Resource(facts);
  const judged = rule.check !== undefined && rule.applies.includes(resource.kind);
  const findings = judged ? [...rule.check(resource, settings)] : [];
  if (findings.length === 0 && resource.undecided.size === 0) return NOTHING;
  return { findings: unique(findings), undecided: undecidedOf(rule, [resource]) };
}

/** What a rule says of a whole stack. @param settings default: those of the rule */
export function judgeStack(
  rule: Rule,
  facts: readonly ResourceFacts[],
  settings: Settings = defaults(rule.parameters),
): Verdict {
  const stack = new Stack(facts);
  const findings = [...(rule.checkStack?.(stack, settings) ?? [])];
  return { findings: unique(findings), undecided: undecidedOf(rule, stack.resources) };
}

const exceptable = new Set<string>(
  rules.filter(({ check, checkStack }) => check ?? checkStack).map(({ id }) => id),
);

/**
 * The exceptions that a resource declares.
 * @param today YYYY-MM-DD, by UTC
 * @param days most days that an exception may be ahead
 */
export function exceptionsOf(
  facts: ResourceFacts,
  today: string,
  days: number,
): DeclaredException[] {
  return declaredExceptions(new Resource(facts), {
    today,
    days,
    isRule: (id) => exceptable.has(id),
  });
}

const NOTHING: Verdict = { findings: [], undecided: [] };

/** A field that several containers share is wrong once. */
function unique(findings: readonly Finding[]): Finding[] {
  const byText = new Map(findings.map((one) => [`${one.urn} ${one.path} ${one.problem}`, one]));
  return [...byText.values()];
}

function undecidedOf(rule: Rule, resources: readonly Resource[]): Undecided[] {
  return resources.flatMap(({ urn, undecided }) =>
    [...undecided].map((path) => ({ urn, path, rule: rule.id })),
  );
}
