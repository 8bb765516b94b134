import type { RecordedResource } from "./recorded";

/**
 * What differs between two recordings of a program, as lines that a preview would have: `+`, `-` or `~`, type,
 * name, and the inputs and options that changed.
 */
export function changedResources(
  before: readonly RecordedResource[],
  after: readonly RecordedResource[],
): string[] {
  const [was, is] = [before, after].map((list) => new Map(list.map((one) => [one.urn, one])));
  const gone = before.filter(({ urn }) => is?.has(urn) === false).map((one) => `- ${title(one)}`);
  const rest = after.flatMap((one) => {
    const former = was?.get(one.urn);
    if (former === undefined) return [`+ ${title(one)}`];
    const paths = changedPaths(former, one);
    return paths.length === 0 ? [] : [`~ ${title(one)}: ${paths.join(", ")}`];
  });
  return [...gone, ...rest].sort();
}

const title = ({ type, name }: RecordedResource) => `${type} ${name}`;

function changedPaths(former: RecordedResource, one: RecordedResource): string[] {
  const [was, is] = [former, one].map(
    ({ inputs, options }) => new Map(leaves({ ...inputs, ...options }, "")),
  );
  const paths = new Set([...(was?.keys() ?? []), ...(is?.keys() ?? [])]);
  return [...paths].filter((path) => was?.get(path) !== is?.get(path)).sort();
}

function leaves(value: unknown, path: string): [string, string][] {
  if (value === null || typeof value !== "object") return [[path, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, inner]) =>
    leaves(inner, path === "" ? key : `${path}.${key}`),
  );
}
