import { isDeepStrictEqual } from "node:util";

import type { Labels, Taint } from "../../../config/node-settings";
import { type Api, ApiError, type KubernetesObject } from "./api";
import {
  type ClusterRecord,
  LOCAL_REGION,
  type NodeKind,
  SIMULATED_ZONES,
  simulatedTaints,
} from "./spec";

/** On the node itself, so that a restored node carries the record of what it was given. */
const RECORD = "drydock.dev/node-settings";
const ATTEMPTS = 5;

export interface NodeSettings {
  readonly labels: Labels;
  readonly taints: readonly Taint[];
}

/** A taint as the API gives it: an empty value is left out. */
type NodeTaint = Omit<Taint, "value"> & { readonly value?: string };

interface Node extends KubernetesObject {
  readonly metadata: KubernetesObject["metadata"] & {
    readonly labels?: Labels;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly taints?: readonly NodeTaint[] };
}

/** Where a node is, unless the configuration says otherwise. */
export function placeLabels(kind: NodeKind, index = 0): Labels {
  const zone = SIMULATED_ZONES[kind === "real" ? 0 : index % SIMULATED_ZONES.length];
  return {
    "topology.kubernetes.io/region": LOCAL_REGION,
    "topology.kubernetes.io/zone": zone ?? SIMULATED_ZONES[0],
  };
}

/** What the configuration gives nodes of a kind; the place is among the labels. */
export function settingsOf(record: ClusterRecord, kind: NodeKind, index = 0): NodeSettings {
  const { labels, taints } = record.spec.nodes;
  return {
    labels: { ...placeLabels(kind, index), ...labels?.[kind] },
    taints:
      kind === "simulated"
        ? simulatedTaints(record.spec.nodes, record.realNode)
        : (taints?.real ?? []),
  };
}

/** Annotation by which {@link patchFor} knows later what it has set. */
export function recordOf(settings: NodeSettings): Record<string, string> {
  return { [RECORD]: JSON.stringify(settings) };
}

/**
 * The change that gives a node its settings: what was set before and is no longer wanted goes, unless
 * somebody has changed it since; what others set stays.
 *
 * @returns a merge patch, bound to the version of the node that was read; undefined: nothing to do
 */
export function patchFor(node: Node, wanted: NodeSettings): object | undefined {
  const { labels = {}, annotations = {}, resourceVersion } = node.metadata;
  const before = JSON.parse(annotations[RECORD] ?? '{"labels":{},"taints":[]}') as NodeSettings;
  const dropped = Object.entries(before.labels)
    .filter(([key, value]) => !(key in wanted.labels) && labels[key] === value)
    .map(([key]) => [key, null] as const);
  const added = Object.entries(wanted.labels).filter(([key, value]) => labels[key] !== value);
  const present = (node.spec?.taints ?? []).map(plain);
  const kept = present.filter(
    (taint) => !has(wanted.taints, taint) && !before.taints.some((it) => isSame(it, taint)),
  );
  const taints = [...kept, ...wanted.taints.map(plain)];
  const tainted = !isDeepStrictEqual(sorted(taints), sorted(present));
  const record = recordOf(wanted);
  if (dropped.length + added.length === 0 && !tainted && annotations[RECORD] === record[RECORD]) {
    return undefined;
  }
  return {
    metadata: {
      resourceVersion,
      labels: Object.fromEntries([...dropped, ...added]),
      annotations: record,
    },
    ...(tainted ? { spec: { taints } } : {}),
  };
}

/** Gives a node its settings; repeated where somebody else changes the node at the same moment. */
export async function applySettings(api: Api, name: string, wanted: NodeSettings): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const patch = patchFor(await api.call<Node>("GET", `/api/v1/nodes/${name}`), wanted);
    if (patch === undefined) {
      return;
    }
    try {
      await api.call("PATCH", `/api/v1/nodes/${name}`, patch);
      return;
    } catch (error) {
      const conflict = error instanceof ApiError && error.status === 409;
      if (!conflict || attempt === ATTEMPTS) {
        throw error;
      }
    }
  }
}

function has(list: readonly NodeTaint[], { key, effect }: NodeTaint): boolean {
  return list.some((it) => it.key === key && it.effect === effect);
}

function isSame(a: NodeTaint, b: NodeTaint): boolean {
  return a.key === b.key && a.effect === b.effect && (a.value ?? "") === (b.value ?? "");
}

/** The API's form; `timeAdded`, which it gives NoExecute taints, stays. */
function plain({ value = "", ...rest }: NodeTaint): NodeTaint {
  return value === "" ? rest : { ...rest, value };
}

function sorted(taints: readonly NodeTaint[]): NodeTaint[] {
  const id = ({ key, effect }: NodeTaint): string => `${key}:${effect}`;
  return [...taints].sort((a, b) => id(a).localeCompare(id(b)));
}
