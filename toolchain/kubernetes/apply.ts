import { forcesPatch } from "./annotations";
import type { Patience } from "./client";
import type { Cluster } from "./cluster";
import { ApiError, conflictingManagers, fieldConflict, isInvalid, isNotFound } from "./errors";
import { leavingIgnored } from "./ignored";
import { needsTurnover, ourManagers, turnOver, type Handover } from "./managed-fields";
import { describe, refOf, type KubernetesObject } from "./objects";
import type { Settings } from "./settings";
import { isPatch } from "./types";

const TURNOVER_ATTEMPTS = 5;

/** How an object is applied. */
export interface Applying extends Handover {
  /** Take fields over from other managers. */
  readonly force: boolean;
  /** Fields left to others: paths of `ignoreChanges`. */
  readonly ignored: readonly string[];
}

interface AppliedResource {
  readonly type: string;
  readonly ignoreChanges?: readonly string[];
}

/**
 * How the resource asks its object to be applied.
 *
 * @param before manager of the last update, if there was one
 */
export function applyingFor(
  { type, ignoreChanges = [] }: AppliedResource,
  object: KubernetesObject,
  { manager, before }: { readonly manager: string; readonly before?: string | undefined },
  { enablePatchForce }: Pick<Settings, "enablePatchForce">,
): Applying {
  return {
    manager,
    part: isPatch(type, object.kind),
    ...(before === undefined || before === manager ? {} : { former: before }),
    force: enablePatchForce || forcesPatch(object),
    ignored: ignoreChanges,
  };
}

/**
 * Brings the object to the declared form by server-side apply.
 *
 * @throws PluginError that names manager and field where another one owns a field; ApiError.
 */
export async function applyObject(
  cluster: Cluster,
  object: KubernetesObject,
  applying: Applying,
  patience: Patience,
): Promise<KubernetesObject> {
  const { manager, force } = applying;
  const live = mayNeedTurnover(applying)
    ? await turnOverFields(cluster, object, applying, patience)
    : undefined;
  const wanted = await wantedObject(cluster, object, applying, patience, live);
  try {
    return await cluster.api.apply(wanted, { fieldManager: manager, force }, patience);
  } catch (error) {
    throw fieldConflict(error, describe(refOf(object))) ?? error;
  }
}

/**
 * What an apply would make of the object, by the server's own reckoning; undefined where only the
 * real run can tell. Errors as above.
 */
export async function dryRunApply(
  cluster: Cluster,
  object: KubernetesObject,
  applying: Applying,
  patience: Patience,
): Promise<KubernetesObject | undefined> {
  const { manager, force } = applying;
  const wanted = await wantedObject(cluster, object, applying, patience);
  const dryRun = async (forced: boolean) => {
    const options = { fieldManager: manager, dryRun: true, force: forced };
    const result = await cluster.api.apply(wanted, options, patience);
    // It would show the old and the new items of a list side by side.
    return needsTurnover(result, applying) ? undefined : result;
  };
  try {
    return await dryRun(force);
  } catch (error) {
    // The real run turns these fields over first, which a dry run cannot.
    if (areAll(conflictingManagers(error), ourManagers(applying))) {
      return dryRun(true);
    }
    if (isInvalid(error) && mayNeedTurnover(applying)) {
      const live = await cluster.api.get(refOf(object), patience);
      if (needsTurnover(live, applying)) {
        return undefined;
      }
    }
    throw fieldConflict(error, describe(refOf(object))) ?? error;
  }
}

/**
 * Gives up every field that `manager` applied; a field nobody else owns leaves the object, which
 * stays as such.
 *
 * @throws ApiError, where a field the object cannot be without has no other owner.
 */
export async function relinquish(
  { api }: Cluster,
  object: KubernetesObject,
  manager: string,
  patience: Patience,
): Promise<void> {
  const { namespace, name } = refOf(object);
  const live = await api.get(refOf(object), patience);
  const metadata = {
    name,
    ...(namespace === "" ? {} : { namespace }),
    // Without it an object deleted in between would be created, empty.
    uid: live.metadata.uid ?? null,
  };
  const bare = { apiVersion: object.apiVersion, kind: object.kind, metadata };
  await api.apply(bare, { fieldManager: manager, force: false }, patience);
}

/**
 * Hands the fields of a plain write to the object's manager as applied ones. Until then a dry run cannot tell
 * that a list's item left the program: it would see the old and the new one side by side.
 *
 * @param known the live object where it has just been read
 * @returns the live object; undefined when there is none
 */
export async function turnOverFields(
  { api }: Cluster,
  object: KubernetesObject,
  handover: Handover,
  patience: Patience,
  known?: KubernetesObject,
): Promise<KubernetesObject | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      const live =
        attempt === 1 && known !== undefined ? known : await api.get(refOf(object), patience);
      return needsTurnover(live, handover)
        ? await api.setManagedFields(live, turnOver(live, handover), patience)
        : live;
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      // A controller wrote the object in between.
      const outdated = error instanceof ApiError && error.status === 409;
      if (!outdated || attempt === TURNOVER_ATTEMPTS) {
        throw error;
      }
    }
  }
}

/** The object to send: as declared but for the fields that are left to others. */
async function wantedObject(
  { api }: Cluster,
  object: KubernetesObject,
  applying: Applying,
  patience: Patience,
  known?: KubernetesObject,
): Promise<KubernetesObject> {
  if (applying.ignored.length === 0) {
    return object;
  }
  const live = known ?? (await api.get(refOf(object), patience));
  return leavingIgnored(object, live, applying.ignored, ourManagers(applying));
}

function mayNeedTurnover({ part, former }: Handover): boolean {
  return !part || former !== undefined;
}

function areAll(names: readonly string[], allowed: readonly string[]): boolean {
  return names.length > 0 && names.every((name) => allowed.includes(name));
}
