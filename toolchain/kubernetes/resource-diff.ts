import type { DiffRequest, DiffResult } from "../plugin/provider";
import { once } from "../plugin/once";
import { containsUnknown, unwrapSecrets, type PropertyMap } from "../plugin/values";
import { changesBetween, detailedDiff, markReplacing, type Change, type LastSeen } from "./diff";
import { metadataOf } from "./inputs";
import { isAutonamed } from "./naming";
import { deepEqual, getPath, refOf, type KubernetesObject } from "./objects";
import { parsePath } from "./paths";
import { identityPaths, replacingPaths } from "./replacement";
import type { Settings } from "./settings";
import { inputsOf, liveOf, marksOf, toManifest } from "./state";
import { isPatch } from "./types";

/** What a dry run of an update says. */
export interface Trial {
  /** Fields the server refuses to change in place. */
  readonly immutable: readonly string[];
  /** The object after the update; absent when the server refused or was not asked. */
  readonly result?: KubernetesObject;
}

export type TryUpdate = (
  object: KubernetesObject,
  fieldManager: string | undefined,
) => Promise<Trial>;

/** What changes between state and program, and whether the object has to be replaced for it. */
export async function diffResource(
  request: DiffRequest,
  settings: Settings,
  tryUpdate: TryUpdate,
): Promise<DiffResult> {
  const oldInputs = unwrapSecrets(inputsOf(request.oldInputs, () => request.oldOutputs));
  const news = unwrapSecrets(request.news);
  const { apiVersion, kind } = refOf(toManifest(news));
  const part = isPatch(request.type, kind);
  const replacing = part ? identityPaths() : replacingPaths(apiVersion, kind, settings);
  const lastSeen = once(() => lastSeenIn(request.oldOutputs));
  const declared = changesBetween(oldInputs, news, lastSeen, replacing);
  // Who changes a part cannot replace the whole: what the server refuses, the update reports.
  const decided = part || declared.some(({ replaces }) => replaces) || containsUnknown(news);
  const changes =
    decided || declared.length === 0
      ? declared
      : judge(declared, lastSeen().live, await tryUpdate(toManifest(news), lastSeen().manager));
  const replaces = changes.some((change) => change.replaces);
  return {
    changes: changes.length > 0 ? "some" : "none",
    detailedDiff: detailedDiff(changes),
    deleteBeforeReplace: replaces && keepsName(request),
  };
}

/** The changes in the light of a dry run: the table of replacing fields cannot know every kind. */
function judge(changes: readonly Change[], live: KubernetesObject, trial: Trial): Change[] {
  const { immutable, result } = trial;
  if (result !== undefined) {
    // "1000m" and "1" are the same to the server.
    return changes.filter(
      ({ kind, path }) =>
        kind !== "update" || !deepEqual(getPath(result, ...path), getPath(live, ...path)),
    );
  }
  const fields = immutable.map((field) => parsePath(field));
  const marked = markReplacing(changes, fields);
  const isNamed = marked.some(({ replaces }) => replaces);
  return immutable.length > 0 && !isNamed
    ? changes.map((change) => ({ ...change, replaces: true }))
    : marked;
}

function lastSeenIn(outputs: PropertyMap): LastSeen & { readonly live: KubernetesObject } {
  return { live: liveOf(outputs), manager: marksOf(outputs).fieldManager };
}

/** Two objects of one name cannot exist at once: then the old one has to go first. */
export function keepsName({ oldInputs, oldOutputs, news }: DiffRequest): boolean {
  const before = metadataOf(inputsOf(oldInputs, () => oldOutputs));
  const after = metadataOf(news);
  const same = before.name === after.name && before.namespace === after.namespace;
  return same && after.name !== undefined && !isAutonamed(news);
}
