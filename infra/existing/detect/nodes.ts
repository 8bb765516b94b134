import { defaultOf, type Finding, type Node, type StorageClass } from "./objects";

const ZONE = "topology.kubernetes.io/zone";
const DEFAULT_CLASS = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
];

/**
 * Sorted; empty where it is one place only. A node that no workload gets onto does not count: pods that
 * must spread over its zone too would wait for ever.
 */
export function zonesOf(nodes: readonly Node[]): string[] {
  const zones = distinct(nodes.filter(isOpen).map(({ metadata }) => metadata.labels?.[ZONE]));
  return zones.length > 1 ? zones : [];
}

/** Taints of Kubernetes' own, for a node that is not ready or cordoned, come and go: the zone stays. */
function isOpen({ spec }: Node): boolean {
  return !(spec?.taints ?? []).some(
    ({ key, effect }) => effect !== "PreferNoSchedule" && !key.startsWith("node.kubernetes.io/"),
  );
}

/** Sorted, as Go writes them. */
export function architecturesOf(nodes: readonly Node[]): string[] {
  return distinct(nodes.map(({ status }) => status?.nodeInfo?.architecture));
}

/** A node of kwok takes pods and runs none of them. */
export function isSimulated({ metadata }: Node): boolean {
  return (
    metadata.annotations?.["kwok.x-k8s.io/node"] === "fake" || metadata.labels?.type === "kwok"
  );
}

export function storageClassOf(classes: readonly StorageClass[]): Finding<string | undefined> {
  const name = defaultOf(classes, DEFAULT_CLASS)?.metadata.name;
  return { value: name, sign: name ?? "no default StorageClass" };
}

function distinct(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.flatMap((value) => (value === undefined ? [] : [value])))].sort();
}
