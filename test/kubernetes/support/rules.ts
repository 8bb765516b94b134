import type { AwaitRule, Verdict } from "../../../toolchain/kubernetes/await/rule";
import type { Json, JsonMap, KubernetesObject } from "../../../toolchain/kubernetes/objects";

export interface Situation {
  /** What the rule's queries find, by key. */
  readonly found?: Readonly<Record<string, JsonMap[]>>;
  /** Default 0. */
  readonly waitedSeconds?: number;
  /** The object as it was before it was deleted; default the object itself. */
  readonly last?: JsonMap;
}

/** What a rule says of an object called `web` with uid `u1` and generation 2. */
export function judge(
  rule: AwaitRule,
  object: JsonMap | undefined,
  { found = {}, waitedSeconds = 0, last = object ?? {} }: Situation = {},
): Verdict {
  const related = (key: string) => found[key] ?? [];
  const snapshot = { last: whole(last), related, waitedSeconds };
  return rule.evaluate({ ...snapshot, object: object === undefined ? undefined : whole(object) });
}

/** The state of a verdict and all its words. */
export function wordsOf(verdict: Verdict): string {
  const { state } = verdict;
  const lines = state === "done" ? verdict.warnings : verdict.problems;
  return [state, ...(state === "failed" ? [] : [verdict.message]), ...lines].join(" | ");
}

function whole(object: JsonMap): KubernetesObject {
  const metadata = { name: "web", namespace: "team", uid: "u1", generation: 2 };
  const given = object.metadata as JsonMap | undefined;
  return { apiVersion: "v1", kind: "X", ...object, metadata: { ...metadata, ...given } };
}

export function condition(type: string, status: string, extra: JsonMap = {}): Json {
  return { type, status, ...extra };
}

export function warning(
  reason: string,
  message: string,
  lastTimestamp = "2030-01-01T00:00:00Z",
): JsonMap {
  return { reason, message, lastTimestamp, involvedObject: { uid: "u1" } };
}

/** A pod of the owner whose only container waits, or has ended, in a state. */
export function podOf(owner: string, name: string, state: JsonMap, extra: JsonMap = {}): JsonMap {
  return {
    metadata: { name, uid: name, ownerReferences: [{ uid: owner }] },
    status: { containerStatuses: [{ name: "c", state }] },
    ...extra,
  };
}

export const imageMissing: JsonMap = { waiting: { reason: "ErrImagePull", message: "not found" } };
