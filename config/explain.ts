import { z } from "zod";

import type { Problem } from "./errors";
import { suggest } from "./suggest";

type Path = readonly PropertyKey[];
type Node = z.core.JSONSchema.BaseSchema;

/**
 * Turns what zod found into problems a user can act on. Rules and examples come from the JSON schema
 * of the same zod schema, so that an error, the editor and the parser cannot differ.
 * @param keyOf gives the full key path of a path within the configuration
 */
export function explain(
  schema: z.ZodType,
  issues: readonly z.core.$ZodIssue[],
  input: unknown,
  keyOf: (path: Path) => string,
): Problem[] {
  if (issues.length === 0) return [];
  const root = z.toJSONSchema(schema, { io: "input" });
  return issues.flatMap((issue): Problem[] => {
    const key = keyOf(issue.path);
    const node = { ...nodeAt(root, issue.path, input), ...optionsOf(issue) };
    if (issue.code === "unrecognized_keys") {
      const siblings = Object.keys(node.properties ?? {});
      return issue.keys.map((name) => unknownKey([...issue.path, name], siblings, input, keyOf));
    }
    if (issue.code === "invalid_key") {
      const rule = `must have ${issue.issues[0]?.message ?? "another name"}`;
      return [{ key, rule, fix: "rename it" }];
    }
    const found = valueAt(input, issue.path);
    const rule = ruleOf(issue, node);
    return found === undefined
      ? [
          {
            key,
            rule: `is missing; it must be ${rule}`,
            fix: `add it${origin(node)}${example(node)}`,
          },
        ]
      : [problem(key, found, `must be ${rule}`, correct(found, node))];
  });
}

/** A key that chooses a variant may have the value of any of them. */
function optionsOf(issue: z.core.$ZodIssue): Node {
  if (issue.code !== "invalid_union" || !("options" in issue)) return {};
  return { enum: (issue.options ?? []).map(String) };
}

/** A problem with the value shown as JSON, shortened to one line. */
export function problem(key: string, found: unknown, rule: string, fix: string): Problem {
  const text = JSON.stringify(found);
  return { key, value: text.length > 80 ? `${text.slice(0, 77)}...` : text, rule, fix };
}

function unknownKey(
  path: Path,
  siblings: readonly string[],
  input: unknown,
  keyOf: (path: Path) => string,
): Problem {
  const near = suggest(String(path.at(-1)), siblings);
  const rule = `is not a key of ${keyOf(path.slice(0, -1))}, which has ${siblings.join(", ")}`;
  const fix =
    near !== undefined
      ? `did you mean ${near}?`
      : String(path.at(-1)).includes(".")
        ? "remove it; `pulumi config set` takes such a path with --path"
        : "remove it";
  return problem(keyOf(path), valueAt(input, path), rule, fix);
}

function ruleOf(issue: z.core.$ZodIssue, node: Node | undefined): string {
  // Every pattern carries its meaning in words as its message.
  if (node?.pattern !== undefined || issue.code === "custom") return issue.message;
  if (node?.type === "array") return issue.code === "invalid_type" ? "a list" : issue.message;
  if (node?.enum !== undefined) return oneOf(node.enum);
  if (node?.type === "integer") return `a whole number${range(node)}`;
  if (node?.type === "boolean") return "true or false";
  if (node?.type === "string") return "a text";
  return `a map with the keys ${Object.keys(node?.properties ?? {}).join(", ")}`;
}

function oneOf(values: readonly unknown[]): string {
  const texts = values.map((value) => JSON.stringify(value));
  return texts.length === 1 ? texts.join() : `one of ${texts.join(", ")}`;
}

function range({ minimum, maximum }: Node): string {
  // zod bounds a whole number by what a JavaScript number can hold; that is no rule of ours.
  const upper = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (minimum !== undefined && upper !== undefined) return ` from ${minimum} to ${upper}`;
  return minimum === undefined ? "" : `, ${minimum} or more`;
}

function correct(found: unknown, node: Node | undefined): string {
  if (typeof found === "number" && node?.type === "string" && accepts(node, String(found))) {
    return `write it in quotes: "${found}"`;
  }
  if (typeof found === "string" && node?.type === "integer" && /^-?\d+$/.test(found)) {
    return `write it without quotes: ${found}`;
  }
  const near =
    typeof found === "string" ? suggest(found, [...allowedBy(node)].map(String)) : undefined;
  if (near !== undefined) return `did you mean "${near}"?`;
  if (node?.default === undefined) return `change it${example(node)}`;
  return `change it, or remove it for the default, ${JSON.stringify(node.default)}`;
}

function accepts(node: Node, text: string): boolean {
  if (node.enum !== undefined) return node.enum.includes(text);
  return node.pattern === undefined || new RegExp(node.pattern).test(text);
}

function allowedBy(node: Node | undefined): readonly unknown[] {
  return node?.enum ?? (node?.const === undefined ? [] : [node.const]);
}

/** Some keys are supplied by another one, which is where they belong. */
function origin(node: Node | undefined): string {
  return typeof node?.suppliedBy === "string" ? ` as ${node.suppliedBy}` : "";
}

function example(node: Node | undefined): string {
  const examples = Array.isArray(node?.examples) ? node.examples : [];
  const value = [...examples, ...allowedBy(node)][0];
  return value === undefined ? "" : `, for example: ${JSON.stringify(value)}`;
}

/** The one schema of all values of a map or all items of a list. */
function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The part of a JSON schema that describes `path`; of variants, the one whose `kind` is given. */
function nodeAt(root: Node, path: Path, input: unknown): Node | undefined {
  let node: Node | undefined = variant(root, input);
  path.forEach((key, depth) => {
    const values = [node?.additionalProperties, node?.items].find(isNode) ?? {};
    const next = node?.properties?.[String(key)] ?? values;
    node = typeof next === "object" ? variant(next, valueAt(input, path.slice(0, depth + 1))) : {};
  });
  return node;
}

function variant(node: Node, found: unknown): Node {
  const variants = (node.oneOf ?? []).filter((option) => typeof option === "object");
  const kinds = variants.map(({ properties }) => String(constOf(properties?.kind)));
  const kind = String(valueAt(found, ["kind"]));
  const base = variants[kinds.indexOf(suggest(kind, kinds) ?? "")] ?? variants[0];
  if (base === undefined) return node;
  return node.examples === undefined ? base : { ...base, examples: node.examples };
}

function constOf(node: z.core.JSONSchema._JSONSchema | undefined): unknown {
  return typeof node === "object" ? node.const : undefined;
}

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined,
    input,
  );
}
