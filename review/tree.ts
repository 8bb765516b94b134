import type { RecordedResource, ResourceOptions } from "./recording/recorded";

export type Label = (urn: string) => string;

/** A resource by what a reviewer asks of it beside its inputs; absent where it is not so. */
export interface TreeNode {
  readonly file?: string;
  /** Name of the provider. */
  readonly provider?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  /** What must be there before, and goes after: asked for, or an input's source. */
  readonly dependsOn?: readonly string[];
  readonly children?: Tree;
}

/** By label. */
export type Tree = Readonly<Record<string, TreeNode>>;

/** `type name` of each resource; where that is not unique, with the types of its ancestors. */
export function labels(resources: readonly RecordedResource[]): Label {
  const short = ({ type, name }: RecordedResource) => `${type} ${name}`;
  const count = new Map<string, number>();
  for (const one of resources) count.set(short(one), (count.get(short(one)) ?? 0) + 1);
  const byUrn = new Map(resources.map((one) => [one.urn, one]));
  return (urn) => {
    const one = byUrn.get(urn);
    if (one !== undefined && count.get(short(one)) === 1) return short(one);
    return urn.split("::").slice(2).join(" ");
  };
}

/** The resources below one, in the order of their labels. */
export function treeOf(
  resources: readonly RecordedResource[],
  files: ReadonlyMap<string, string>,
): Tree {
  const label = labels(resources);
  const below = (parent: string): Tree => {
    const children = resources.filter((one) => one.parent === parent && one.urn !== parent);
    const nodes = children.map((one): [string, TreeNode] => [label(one.urn), nodeOf(one)]);
    return Object.fromEntries(nodes.sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  const nodeOf = (one: RecordedResource): TreeNode => {
    const file = files.get(one.urn);
    const dependsOn = one.dependencies.map(label).sort();
    const children = below(one.urn);
    const options = shownOptions(one.options, label);
    return {
      ...(file !== undefined && { file }),
      ...(one.provider !== "" && { provider: one.provider.split("::").at(-1) ?? "" }),
      ...(one.remote && { remote: true }),
      ...(Object.keys(options).length > 0 && { options }),
      ...(dependsOn.length > 0 && { dependsOn }),
      ...(Object.keys(children).length > 0 && { children }),
    };
  };
  return below("");
}

function shownOptions(
  { aliases, deletedWith, providers, timeouts, ...rest }: ResourceOptions,
  label: Label,
): Record<string, unknown> {
  const own = (aliases ?? []).flatMap((text) => aliasOf(text));
  const limits = Object.entries(timeouts ?? {}).filter(([, limit]) => limit !== "");
  const names = Object.entries(providers ?? {}).map(([key, urn]) => [key, label(urn)]);
  return {
    ...rest,
    ...(own.length > 0 && { aliases: own }),
    ...(deletedWith !== undefined && { deletedWith: label(deletedWith) }),
    ...(providers !== undefined && { providers: Object.fromEntries(names) }),
    ...(limits.length > 0 && { timeouts: Object.fromEntries(limits) }),
  };
}

/** What the resource was before: a URN, or the parts of it that differ. */
function aliasOf(text: string): unknown[] {
  if (!text.startsWith("{")) return [text];
  const { urn, spec } = JSON.parse(text) as { urn?: string; spec?: Record<string, unknown> };
  if (spec === undefined) return [urn];
  const { type = "", parenturn, ...others } = spec;
  const set = Object.entries({ ...others, type }).filter(([, value]) => Boolean(value));
  // Those that the providers' libraries bring along, for the older versions of a type.
  const isBuiltIn = set.length === 1 && /^(?:kubernetes|aws|eks):/.test(String(type));
  return isBuiltIn ? [] : [Object.fromEntries([...set, ["parent", parenturn]])];
}
