import type { z } from "zod";

import { impossibleCombinations } from "./combinations";
import { ConfigError, type Problem } from "./errors";
import { explain } from "./explain";
import { type Config, configSchema } from "./schema";
import { suggest } from "./suggest";

type Raw = Readonly<Record<string, unknown>>;
type Issue = z.core.$ZodIssue;

export interface ParseOptions {
  /** Namespace of the project's keys, without the colon. Default `drydock`. */
  readonly namespace?: string;
  /** Sections that hold a secret: no message shows a value of them. */
  readonly secretSections?: ReadonlySet<string>;
  /** Top-level keys of other namespaces: one of these may be misspelt. */
  readonly foreignKeys?: readonly string[];
}

/**
 * Parses the sections of a stack's configuration, fills in the defaults, and validates.
 * @param raw the sections by name, as YAML gives them
 * @throws ConfigError that lists every problem
 */
export function parseConfig(raw: Raw, options: ParseOptions = {}): Config {
  const { namespace = "drydock", secretSections = new Set(), foreignKeys = [] } = options;
  const keyOf = ([section, ...rest]: readonly PropertyKey[]) =>
    section === undefined
      ? `the namespace ${namespace}`
      : `${namespace}:${[section, ...rest].map(String).join(".")}`;
  const isSecret = ({ key }: Problem) =>
    secretSections.has(key.slice(namespace.length + 1).split(".")[0] ?? "");

  const parsed = configSchema.safeParse(raw);
  const combinations = impossibleCombinations(parsed.success ? parsed.data : partsOf(raw));
  const issues = parsed.success ? [] : allIssues(raw, parsed.error.issues);
  const problems = [
    ...misspeltNamespaces(foreignKeys, namespace),
    ...explain(configSchema, issues, raw, keyOf).map((one) =>
      isSecret(one) ? concealed(one) : one,
    ),
    // A combination's rule tells of several sections.
    ...(secretSections.size > 0 ? combinations.map(concealed) : combinations),
  ];
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return deepFreeze(parsed.data);
}

/** The sections that are right in themselves. */
function partsOf(raw: Raw): Partial<Config> {
  const parts = Object.entries(configSchema.shape).flatMap(([section, schema]) => {
    const part = schema.safeParse(raw[section]);
    return part.success ? [[section, part.data]] : [];
  });
  return Object.fromEntries(parts) as Partial<Config>;
}

/** A wrong `kind` hides what else is wrong in its section, so the likely one is tried in its place. */
function allIssues(raw: Raw, issues: readonly Issue[]): readonly Issue[] {
  const likely = issues.flatMap((issue): [string, unknown][] => {
    const [section] = issue.path;
    if (issue.code !== "invalid_union" || !("options" in issue)) return [];
    const kinds = (issue.options ?? []).map(String);
    const found = raw[String(section)] as { kind?: unknown };
    const kind = suggest(String(found.kind), kinds) ?? kinds[0];
    return [[String(section), { ...found, kind }]];
  });
  if (likely.length === 0) return issues;
  const others = configSchema.safeParse({ ...raw, ...Object.fromEntries(likely) }).error?.issues;
  const known = new Set(issues.map(identity));
  return [...issues, ...(others ?? []).filter((issue) => !known.has(identity(issue)))];
}

function identity(issue: Issue): string {
  return JSON.stringify([issue.code, issue.path]);
}

function misspeltNamespaces(keys: readonly string[], namespace: string): Problem[] {
  return keys.flatMap((key) => {
    const [before = "", section = ""] = key.split(":");
    if (suggest(before, [namespace]) === undefined || !(section in configSchema.shape)) return [];
    const rule = `is in the namespace ${before}, which nothing reads`;
    return [{ key, rule, fix: `did you mean ${namespace}:${section}?` }];
  });
}

/** A secret makes its whole section secret, as it does in Pulumi. */
function concealed({ key }: Problem): Problem {
  return {
    key,
    rule: "is not as it must be; beside a secret no value is shown",
    fix: "compare it with schema/pulumi-stack.schema.json",
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
