import { parse } from "yaml";

import type { Rendering } from "./render";
import type { Tree, TreeNode } from "./tree";

type Data = Readonly<Record<string, unknown>>;

/** A longer value is cut in the middle. */
const LONGEST = 60;

/**
 * What a rendering does to another, a line for each thing: `+` and `-` a resource, `~` a field:
 * `~ apps/v1/Deployment web/nginx: spec.replicas 3 -> 4`. Empty where they are equal, byte by byte.
 */
export function differences(before: Rendering, after: Rendering): string[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((path) => {
    const [old, now] = [before.get(path), after.get(path)];
    if (old === now) return [];
    if (old === undefined || now === undefined) {
      return [`${old === undefined ? "+" : "-"} ${titleOf(path, now ?? old ?? "")}`];
    }
    const fields = fileChanges(path, old, now);
    // The same data in another form: somebody else than the command wrote it.
    return fields.length > 0 ? fields : [`~ ${path}: the layout of the file`];
  });
}

/** The first lines, and how many more there are. */
export function shortened(lines: readonly string[], most = 30): string[] {
  if (lines.length <= most) return [...lines];
  return [...lines.slice(0, most), `... and ${lines.length - most} more`];
}

function fileChanges(path: string, before: string, after: string): string[] {
  const [old, now] = [read(before), read(after)];
  if (old === undefined) return [`~ ${path}: cannot be read`];
  if (path === "tree.yaml") return treeChanges(old as Tree, now as Tree);
  const title = titleOf(path, after);
  return changes(old, now, "").map((change) => `~ ${title}: ${change}`);
}

function read(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A resource by its own words: a Kubernetes object as kubectl names it, any other by type and name. */
function titleOf(path: string, text: string): string {
  const data = (path.includes("/") ? read(text) : undefined) as Data | undefined;
  const { type, name, apiVersion, kind, metadata } = data ?? {};
  if (typeof type === "string") return `${type} ${String(name)}`;
  if (typeof kind !== "string") return path;
  const { namespace, name: own } = metadata as { namespace?: string; name: string };
  return `${String(apiVersion)}/${kind} ${namespace === undefined ? "" : `${namespace}/`}${own}`;
}

/** Of resources in both trees: each other one has a file, which tells of it. */
function treeChanges(before: Tree, after: Tree): string[] {
  const [old, now] = [new Map(nodes(before)), new Map(nodes(after))];
  return [...now].flatMap(([label, node]) => {
    const previous = old.get(label);
    if (previous === undefined) return [];
    return changes(previous, node, "").map((change) => `~ ${label}: ${change}`);
  });
}

function nodes(tree: Tree, parent?: string): [string, TreeNode & { readonly parent?: string }][] {
  return Object.entries(tree).flatMap(([label, { children = {}, ...node }]) => [
    [label, { ...node, ...(parent !== undefined && { parent }) }],
    ...nodes(children, label),
  ]);
}

function changes(before: unknown, after: unknown, path: string): string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (before === undefined) return [`${path} + ${short(after)}`];
  if (after === undefined) return [`${path} - ${short(before)}`];
  if (isList(before) && isList(after)) return listChanges(before, after, path);
  if (isData(before) && isData(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => changes(before[key], after[key], joined(path, key)));
  }
  if (isText(before) && isText(after)) return [`${path} ${lineChange(before, after)}`];
  return [`${path} ${short(before)} -> ${short(after)}`];
}

function listChanges(
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
): string[] {
  if (before.length === after.length) {
    return before.flatMap((item, index) => changes(item, after[index], `${path}[${index}]`));
  }
  const texts = (list: readonly unknown[]) => new Set(list.map((item) => JSON.stringify(item)));
  const without = (list: readonly unknown[], other: Set<string>) =>
    list.filter((item) => !other.has(JSON.stringify(item)));
  const lines = [
    ...without(before, texts(after)).map((item) => `${path} - ${short(item)}`),
    ...without(after, texts(before)).map((item) => `${path} + ${short(item)}`),
  ];
  return lines.length > 0 ? lines : [`${path} ${before.length} -> ${after.length} items`];
}

/** Of a text with many lines the first that differs. */
function lineChange(before: string, after: string): string {
  const [old, now] = [before.split("\n"), after.split("\n")];
  if (old.length === 1 && now.length === 1) return `${short(before)} -> ${short(after)}`;
  const line = old.findIndex((text, index) => text !== now[index]);
  const at = line === -1 ? old.length : line;
  return `line ${at + 1}: ${short(old[at] ?? "")} -> ${short(now[at] ?? "")}`;
}

function joined(path: string, key: string): string {
  const name = /^[\w$-]+$/.test(key) ? key : `["${key}"]`;
  return path === "" || name.startsWith("[") ? `${path}${name}` : `${path}.${name}`;
}

function short(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const half = Math.floor((LONGEST - 3) / 2);
  return text.length <= LONGEST ? text : `${text.slice(0, half)}...${text.slice(-half)}`;
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isText = (value: unknown) => typeof value === "string";
const isData = (value: unknown): value is Data =>
  typeof value === "object" && value !== null && !isList(value);
