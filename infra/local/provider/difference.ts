import { isDeepStrictEqual } from "node:util";

import type { PropertyDiff } from "../../../toolchain/plugin/serve";
import type { ClusterSpec, NodeKind } from "../runtime/spec";

type Differences = Record<string, PropertyDiff>;

/** What differs between two specs, by property path. Another name is another cluster. */
export function differences(before: ClusterSpec, after: ClusterSpec): Differences {
  const plain: readonly [string, unknown, unknown][] = [
    ["kubernetesVersion", before.kubernetesVersion, after.kubernetesVersion],
    ["nodes.real", before.nodes.real, after.nodes.real],
    ["nodes.simulated", before.nodes.simulated, after.nodes.simulated],
    ["nodes.autoscaling", before.nodes.autoscaling === true, after.nodes.autoscaling === true],
    ["loadBalancerAddress", before.loadBalancerAddress, after.loadBalancerAddress],
    ...KINDS.flatMap((kind) => taintPairs(kind, before, after)),
  ];
  const changed = plain.filter(([, old, wanted]) => !isDeepStrictEqual(old, wanted));
  return {
    ...(before.name === after.name
      ? {}
      : { clusterName: { kind: "update-replace", inputDiff: true } as const }),
    ...Object.fromEntries(changed.map(([path]) => [path, { kind: "update", inputDiff: true }])),
    ...Object.assign({}, ...KINDS.map((kind) => labelDifferences(kind, before, after))),
  } as Differences;
}

const KINDS: readonly NodeKind[] = ["real", "simulated"];

/** A list of taints differs as a whole; an absent one of simulated nodes is not an empty one. */
function taintPairs(
  kind: NodeKind,
  before: ClusterSpec,
  after: ClusterSpec,
): [string, unknown, unknown][] {
  const fallback = kind === "real" ? [] : undefined;
  const list = ({ nodes }: ClusterSpec): unknown => nodes.taints?.[kind] ?? fallback;
  return [[`nodes.taints.${kind}`, list(before), list(after)]];
}

function labelDifferences(kind: NodeKind, before: ClusterSpec, after: ClusterSpec): Differences {
  const old = before.nodes.labels?.[kind] ?? {};
  const wanted = after.nodes.labels?.[kind] ?? {};
  const keys = [...new Set([...Object.keys(old), ...Object.keys(wanted)])];
  const entries = keys
    .filter((key) => old[key] !== wanted[key])
    .map((key) => {
      const kind = !(key in old) ? "add" : key in wanted ? "update" : "delete";
      return [key, { kind, inputDiff: true }] as const;
    });
  // Dots and slashes of a key are not those of the path.
  return Object.fromEntries(
    entries.map(([key, difference]) => [`nodes.labels.${kind}["${key}"]`, difference]),
  );
}
