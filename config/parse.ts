import type { z } from "zod";

import { impossibleCombinations } from "./combinations";
import { ConfigError, type Problem } from "./errors";
import { explain, problem } from "./explain";
import { type Config, configSchema } from "./schema";
import { suggest } from "./suggest";

type Raw = Readonly<Record<string, unknown>>;
type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

export interface ParseOptions {
  /** Namespace of the project's keys, without the colon. Default `drydock`. */
  readonly namespace?: string;
  /** Sections that hold a secret: no message shows a value of them. */
  readonly secretSections?: ReadonlySet<string>;
  /** The stack's `aws:region`, which is the region of a cluster on EKS. */
  readonly awsRegion?: string | undefined;
  /** Top-level keys of other namespaces: one of these may be misspelt. */
  readonly foreignKeys?: readonly string[];
}

/**
 * Parses the sections of a stack's configuration, fills in the defaults, and validates.
 * @param raw the sections by name, as YAML gives them
 * @throws ConfigError that lists every problem
 */
export function parseConfig(given: Raw, options: ParseOptions = {}): Config {
  const raw = withRegion(given, options.awsRegion);
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
    ...ownRegion(given, keyOf),
    ...explain(configSchema, issues, raw, keyOf).map((one) =>
      isSecret(one) ? concealed(one) : one,
    ),
    // A combination's rule tells of several sections.
    ...(secretSections.size > 0 ? combinations.map(concealed) : combinations),
  ];
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return deepFreeze(parsed.data);
}

function withRegion(raw: Raw, region: string | undefined): Raw {
  const { cluster } = raw;
  if (!isEks(cluster) || region === undefined) return raw;
  return { ...raw, cluster: { ...cluster, region } };
}

/** One stack has one region, and plain `pulumi` and `aws` commands know it as `aws:region`. */
function ownRegion({ cluster }: Raw, keyOf: (path: Path) => string): Problem[] {
  if (!isEks(cluster) || cluster.region === undefined) return [];
  const key = keyOf(["cluster", "region"]);
  return [
    problem(key, cluster.region, "is the stack's aws:region", "remove it, and set aws:region"),
  ];
}

function isEks(cluster: unknown): cluster is { readonly region?: unknown } {
  return typeof cluster === "object" && cluster !== null && Reflect.get(cluster, "kind") === "eks";
}

/** The sections that are right in themselves. */
function partsOf(raw: Raw): Partial<Config> {
  const parts = Object.entries(configSchema.shape).flatMap(([section, schema]) => {
    const part = schema.safeParse(raw[section]);
    return part.success ? [[section, part.data]] : [];
  });
  return Object.fromEntries(parts) as Partial<Config>;
}

/** A wrong `kind` hides what else is wrong beside it, so the likely one is tried in its place. */
function allIssues(raw: Raw, issues: readonly Issue[]): readonly Issue[] {
  let likely: unknown = raw;
  for (const issue of issues) {
    if (issue.code !== "invalid_union" || !("options" in issue)) continue;
    const kinds = (issue.options ?? []).map(String);
    likely = withLikely(likely, issue.path, kinds);
  }
  if (likely === raw) return issues;
  const others = configSchema.safeParse(likely).error?.issues;
  const known = new Set(issues.map(identity));
  return [...issues, ...(others ?? []).filter((issue) => !known.has(identity(issue)))];
}

/** A copy of `value` with the nearest of `choices` at `path`. */
function withLikely(value: unknown, path: Path, choices: readonly string[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return suggest(String(value), choices) ?? choices[0];
  if (typeof value !== "object" || value === null) return value;
  return { ...value, [key]: withLikely(Reflect.get(value, key), rest, choices) };
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
