import { randomBytes } from "node:crypto";

import { CREATED_FOR, createdForValue } from "./annotations";
import {
  annotation,
  deepEqual,
  getPath,
  isJsonMap,
  listAt,
  textAt,
  type Json,
  type JsonMap,
} from "./objects";
import type { Path } from "./paths";

/** Manager of the first write; its fields are handed to the object's own manager at once. */
export const CREATE_MANAGER = "pulumi-kubernetes";

/** One name an object, kept for its life, so that two stacks' fields are told apart. */
export function newFieldManager(): string {
  return `${CREATE_MANAGER}-${randomBytes(4).toString("hex")}`;
}

/** The same of a created object: it follows from the urn, so that a repeated create owns its fields. */
export function fieldManagerFor(urn: string): string {
  return `${CREATE_MANAGER}-${createdForValue(urn).slice(0, 8)}`;
}

/** The manager the program names for the object's fields (`pulumi.com/patchFieldManager`), if any. */
export function declaredManager(object: Json): string | undefined {
  return annotation(object, "pulumi.com/patchFieldManager");
}

/** Whether a Pulumi provider has written the object, under its usual names or as `manager`. */
export function isOurs(live: Json, manager: string): boolean {
  return listAt(live, "metadata", "managedFields").some((entry) =>
    isPulumi(textAt(entry, "manager"), manager),
  );
}

/**
 * Whether a create for this resource made the object: its mark says so until the first update, its
 * field manager ever after. So a stack whose state was lost finds its objects again.
 */
export function isCreatedFor(live: Json, urn: string): boolean {
  const manager = fieldManagerFor(urn);
  return (
    annotation(live, CREATED_FOR) === createdForValue(urn) ||
    listAt(live, "metadata", "managedFields").some((entry) => isApplyEntryOf(entry, manager))
  );
}

/** Whose fields an object's manager takes over as its own. */
export interface Handover {
  readonly manager: string;
  /** The object is a part of somebody else's, even if a Pulumi provider made that one. */
  readonly part: boolean;
  /** Manager of the object's last update, where the program has named another one since. */
  readonly former?: string;
}

/** The names under which the object's own fields may stand. */
export function ourManagers({ manager, part, former }: Handover): string[] {
  return [manager, ...(part ? [] : [CREATE_MANAGER]), ...(former === undefined ? [] : [former])];
}

/** Whether fields of the object still belong to a plain write or to its former manager. */
export function needsTurnover(live: Json, handover: Handover): boolean {
  return listAt(live, "metadata", "managedFields").some((entry) => isHanded(entry, handover));
}

/**
 * The managed fields with everything handed over to the manager as applied fields: from then on a
 * field that leaves the program leaves the object too.
 */
export function turnOver(live: Json, handover: Handover): Json[] {
  const { manager } = handover;
  const entries = listAt(live, "metadata", "managedFields");
  const ours = (entry: Json) => isHanded(entry, handover) || isApplyEntryOf(entry, manager);
  const merged = entries.filter(ours).reduce<JsonMap>((all, entry) => {
    const fields = getPath(entry, "fieldsV1");
    return isJsonMap(fields) ? union(all, fields) : all;
  }, {});
  const newest = entries.filter(ours).at(-1);
  const applied: JsonMap = {
    ...(isJsonMap(newest) ? newest : {}),
    manager,
    operation: "Apply",
    fieldsV1: merged,
  };
  return [...entries.filter((entry) => !ours(entry)), applied];
}

/**
 * Whether a Pulumi manager, or `manager`, owns the field at `path` of the live object, or anything
 * below it. True where the object has no managed fields to ask.
 */
export function ownedByPulumi(live: Json, path: Path, manager = CREATE_MANAGER): boolean {
  return (
    listAt(live, "metadata", "managedFields").length === 0 ||
    ownersOf(live, path).some((owner) => isPulumi(owner, manager))
  );
}

/** The managers that own the field at `path` of the live object, or anything below it. */
export function ownersOf(live: Json, path: Path): string[] {
  return listAt(live, "metadata", "managedFields")
    .filter((entry) => holds(getPath(entry, "fieldsV1"), path, live))
    .map((entry) => textAt(entry, "manager"));
}

function isPulumi(owner: string, manager: string): boolean {
  return owner === manager || owner.startsWith(CREATE_MANAGER);
}

function isCreateEntry(entry: Json): boolean {
  return (
    textAt(entry, "manager").startsWith(CREATE_MANAGER) &&
    textAt(entry, "operation") === "Update" &&
    textAt(entry, "subresource") === ""
  );
}

function isHanded(entry: Json, { part, former }: Handover): boolean {
  return (!part && isCreateEntry(entry)) || (former !== undefined && isApplyEntryOf(entry, former));
}

function isApplyEntryOf(entry: Json, manager: string): boolean {
  return textAt(entry, "manager") === manager && textAt(entry, "operation") === "Apply";
}

function union(left: JsonMap, right: JsonMap): JsonMap {
  const result: JsonMap = { ...left };
  for (const [key, value] of Object.entries(right)) {
    const before = result[key];
    result[key] = isJsonMap(before) && isJsonMap(value) ? union(before, value) : value;
  }
  return result;
}

/** Walks a field set (`f:` fields, `k:` items by key, `v:` items by value) beside the live value. */
function holds(fields: Json | undefined, path: Path, live: Json | undefined): boolean {
  const [part, ...rest] = path;
  if (!isJsonMap(fields)) {
    return false;
  }
  // A leaf of the set owns everything below: atomic lists and maps end like this.
  if (part === undefined || Object.keys(fields).length === 0) {
    return true;
  }
  if (typeof part === "string") {
    return holds(fields[`f:${part}`], rest, getPath(live, part));
  }
  const item = getPath(live, part);
  return Object.entries(fields).some(
    ([key, below]) => itemMatches(key, item) && holds(below, rest, item),
  );
}

function itemMatches(key: string, item: Json | undefined): boolean {
  if (key.startsWith("v:")) {
    return deepEqual(JSON.parse(key.slice(2)) as Json, item);
  }
  if (!key.startsWith("k:") || !isJsonMap(item)) {
    return false;
  }
  const wanted = JSON.parse(key.slice(2)) as JsonMap;
  return Object.entries(wanted).every(([name, value]) => deepEqual(item[name], value));
}
