import type {
  ReportViolation,
  ResourceValidationArgs,
  ResourceValidationPolicy,
  StackValidationArgs,
  StackValidationPolicy,
} from "@pulumi/policy";

import type { DeclaredException } from "./declared";
import { exceptionsOf, judge, judgeStack, type Settings, type Verdict } from "./evaluate";
import { factsOf, stackFacts } from "./facts";
import type { Finding } from "./field";
import { kindOf, type ResourceFacts } from "./resource";
import { defaults, type Rule } from "./rule";
import { type RuleId, rules } from "./rules";

/** What one rule is to the SDK; both where it judges resources and the stack. */
export type Validation = Partial<
  Pick<ResourceValidationPolicy, "validateResource"> & Pick<StackValidationPolicy, "validateStack">
>;

/**
 * What one process of the pack has seen. Rules over the stack judge by the inputs that came by before:
 * the outputs are empty in a preview where the provider cannot be asked yet.
 */
export class Session {
  private readonly seen = new Map<string, Seen<ResourceFacts>>();
  private stackSeen: Seen<readonly ResourceFacts[]> | undefined;
  private readonly settings = new Map<string, Settings>();
  /** By rule, and by resource where the rule judges one at a time. */
  private readonly verdicts = new Map<string, Verdict>();

  /** @param today gives the date by UTC, YYYY-MM-DD */
  constructor(private readonly today: () => string) {}

  validation(rule: Rule<RuleId>): Validation {
    switch (rule.id) {
      case "exception-valid":
        return { validateResource: (args, report) => this.reportInvalid(rule, args, report) };
      case "exception-used":
        return { validateStack: (args, report) => this.reportUnused(rule, args, report) };
      case "exception-reported":
        return { validateStack: (args, report) => this.reportInForce(rule, args, report) };
      case "inputs-known":
        return { validateStack: (args, report) => this.reportUndecided(args, report) };
      default:
        return this.judging(rule);
    }
  }

  private judging(rule: Rule): Validation {
    return {
      ...(rule.check && {
        validateResource: (args, report) => this.judgeResource(rule, args, report),
      }),
      ...(rule.checkStack && {
        validateStack: (args, report) => this.judgeStack(rule, args, report),
      }),
    };
  }

  private judgeResource(rule: Rule, args: ResourceValidationArgs, report: ReportViolation): void {
    if (!rule.applies.includes(kindOf(args.type))) return;
    const facts = this.resource(rule, args);
    const verdict = judge(rule, facts, this.settle(rule, args));
    this.verdicts.set(`${rule.id} ${args.urn}`, verdict);
    const open = this.notExcepted(rule, [facts]);
    tell(rule, verdict.findings.filter(open), report);
  }

  private judgeStack(rule: Rule, args: StackValidationArgs, report: ReportViolation): void {
    if (!args.resources.some(({ type }) => rule.applies.includes(kindOf(type)))) return;
    const facts = this.stack(rule, args);
    const verdict = judgeStack(rule, facts, this.settle(rule, args));
    this.verdicts.set(rule.id, verdict);
    tell(rule, verdict.findings.filter(this.notExcepted(rule, facts)), report);
  }

  /** Runs for every resource, and so is where their inputs are kept. */
  private reportInvalid(rule: Rule, args: ResourceValidationArgs, report: ReportViolation): void {
    const facts = this.resource(rule, args);
    this.settle(rule, args);
    const invalid = this.exceptions(facts).flatMap(({ field, problem }) =>
      problem === undefined ? [] : [field.finding(problem)],
    );
    tell(rule, invalid, report);
  }

  private reportUnused(own: Rule, args: StackValidationArgs, report: ReportViolation): void {
    const facts = this.stack(own, args);
    for (const one of facts) {
      for (const { rule: id, field } of this.inForce(one)) {
        const rule = rules.find((candidate) => candidate.id === id);
        if (rule === undefined) continue;
        const settings = this.settings.get(id);
        const { findings } = rule.checkStack
          ? judgeStack(rule, facts, settings)
          : judge(rule, one, settings);
        if (findings.some(({ urn }) => urn === one.urn)) continue;
        report(
          `${field.path} holds nothing back: the rule finds nothing here. Remove it.`,
          one.urn,
        );
      }
    }
  }

  private reportInForce(own: Rule, args: StackValidationArgs, report: ReportViolation): void {
    for (const one of this.stack(own, args)) {
      for (const { rule, until, reason } of this.inForce(one)) {
        report(`Exempt from ${rule} until ${until}: ${reason}`, one.urn);
      }
    }
  }

  private reportUndecided(args: StackValidationArgs, report: ReportViolation): void {
    const current = new Set(args.resources.map(({ urn }) => urn));
    const waiting = new Map<string, Map<string, Set<string>>>();
    for (const { undecided } of this.verdicts.values()) {
      for (const { urn, path, rule } of undecided.filter((one) => current.has(one.urn))) {
        const paths = waiting.get(urn) ?? new Map<string, Set<string>>();
        waiting.set(urn, paths.set(path, (paths.get(path) ?? new Set()).add(rule)));
      }
    }
    for (const [urn, paths] of waiting) {
      const lines = [...paths].map(([path, ids]) => `${path} (${[...ids].join(", ")})`);
      report(`Judged when it is known: ${lines.join("; ")}`, urn);
    }
  }

  private settle(rule: Rule, args: Pick<ResourceValidationArgs, "getConfig">): Settings {
    const settings = { ...defaults(rule.parameters), ...args.getConfig<Settings>() };
    this.settings.set(rule.id, settings);
    return settings;
  }

  /** The rules ask in their order: one that comes again begins another step of the resource. */
  private resource(rule: Rule, args: ResourceValidationArgs): ResourceFacts {
    const at = ORDER.get(rule.id) ?? 0;
    const last = this.seen.get(args.urn);
    const facts = last !== undefined && last.by < at ? last.facts : factsOf(args);
    this.seen.set(args.urn, { by: at, facts });
    return facts;
  }

  private stack(rule: Rule, { resources }: StackValidationArgs): readonly ResourceFacts[] {
    const at = ORDER.get(rule.id) ?? 0;
    const last = this.stackSeen;
    const facts =
      last !== undefined && last.by < at
        ? last.facts
        : resources.map((one) => stackFacts(one, this.seen.get(one.urn)?.facts));
    this.stackSeen = { by: at, facts };
    return facts;
  }

  private exceptions(facts: ResourceFacts): DeclaredException[] {
    const days = Number(this.settings.get("exception-valid")?.days ?? DEFAULT_DAYS);
    return exceptionsOf(facts, this.today(), days);
  }

  private inForce(facts: ResourceFacts): DeclaredException[] {
    return this.exceptions(facts).filter(({ problem }) => problem === undefined);
  }

  /** A filter that lets those findings through that no exception holds back. */
  private notExcepted(rule: Rule, facts: readonly ResourceFacts[]) {
    return ({ urn }: Finding): boolean => {
      const own = facts.find((one) => one.urn === urn);
      return own === undefined || !this.inForce(own).some((one) => one.rule === rule.id);
    };
  }
}

/** What the rule at a place of the order has seen last. */
interface Seen<T> {
  readonly by: number;
  readonly facts: T;
}

const ORDER = new Map<string, number>(rules.map(({ id }, index) => [id, index]));
const DEFAULT_DAYS = rules.find(({ id }) => id === "exception-valid")?.parameters.days?.default;

function tell(rule: Rule, findings: readonly Finding[], report: ReportViolation): void {
  for (const { path, problem, urn } of findings) {
    report(`${path} ${problem}. ${rule.fix}`, urn);
  }
}
