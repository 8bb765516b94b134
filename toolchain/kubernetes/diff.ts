import type { DiffKind, PropertyDiff } from "../plugin/provider";
import { UNKNOWN, isMap, type PropertyMap, type PropertyValue } from "../plugin/values";
import { deepEqual, getPath, type Json } from "./objects";
import { ownedByPulumi } from "./managed-fields";
import { formatPath, type Path } from "./paths";
import { isReplacing } from "./replacement";

export interface Change {
  readonly path: Path;
  readonly kind: "add" | "delete" | "update";
  readonly replaces: boolean;
}

export interface LastSeen {
  /** The object; decides whether dropping a field has any effect. */
  readonly live: Json;
  /** The object's own field manager, where it has another than the usual name. */
  readonly manager?: string | undefined;
}

/**
 * What differs between two sets of declared inputs (without secret wrappers). Values the API server
 * fills in play no part: what it makes of an unchanged declaration is no change.
 *
 * @param lastSeen Asked where something differs.
 */
export function changesBetween(
  oldInputs: PropertyMap,
  newInputs: PropertyMap,
  lastSeen: () => LastSeen,
  replacing: readonly Path[],
): Change[] {
  const changes: Change[] = [];
  compare(oldInputs, newInputs, [], (path, kind, value) => {
    const { live, manager } = lastSeen();
    // A field nobody of us owns (an imported object's, say) stays when the program omits it.
    if (kind === "delete" && !ownedByPulumi(live, path, manager)) {
      return;
    }
    const alreadyLive = kind !== "delete" && deepEqual(getPath(live, ...path), value as Json);
    changes.push({ path, kind, replaces: isReplacing(path, replacing) && !alreadyLive });
  });
  return changes;
}

/** Marks the changes that touch one of the fields as replacing. */
export function markReplacing(changes: readonly Change[], fields: readonly Path[]): Change[] {
  return changes.map((change) => ({
    ...change,
    replaces: change.replaces || isReplacing(change.path, fields),
  }));
}

export function detailedDiff(changes: readonly Change[]): Record<string, PropertyDiff> {
  const entries = changes.map(({ path, kind, replaces }): [string, PropertyDiff] => {
    const full: DiffKind = replaces ? `${kind}-replace` : kind;
    return [formatPath(path), { kind: full, inputDiff: false }];
  });
  return Object.fromEntries(entries);
}

type Report = (path: Path, kind: Change["kind"], value: PropertyValue | undefined) => void;

function compare(
  before: PropertyValue | undefined,
  after: PropertyValue | undefined,
  path: Path,
  report: Report,
): void {
  if (before === undefined || after === undefined) {
    if (before !== after) {
      report(path, before === undefined ? "add" : "delete", after);
    }
  } else if (after === UNKNOWN || before === UNKNOWN) {
    report(path, "update", UNKNOWN);
  } else if (isMap(before) && isMap(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare(before[key], after[key], [...path, key], report);
    }
  } else if (Array.isArray(before) && Array.isArray(after)) {
    for (let index = 0; index < Math.max(before.length, after.length); index++) {
      compare(before[index], after[index], [...path, index], report);
    }
  } else if (before !== after) {
    report(path, "update", after);
  }
}
