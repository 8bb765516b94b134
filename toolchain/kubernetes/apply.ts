import { forcesPatch } from "./annotations";
import type { Patience } from "./client";
import type { Cluster } from "./cluster";
import { ApiError, conflictingManagers, fieldConflict, isInvalid, isNotFound } from "./errors";
import { CREATE_MANAGER, needsTurnover, turnOver } from "./managed-fields";
import { describe, refOf, type KubernetesObject } from "./objects";

const TURNOVER_ATTEMPTS = 5;

/**
 * Brings the object to the declared form by server-side apply as `manager`.
 *
 * @throws PluginError that names manager and field where another one owns a field; ApiError.
 */
export async function applyObject(
  cluster: Cluster,
  object: KubernetesObject,
  manager: string,
  patience: Patience,
): Promise<KubernetesObject> {
  await turnOverFields(cluster, object, manager, patience);
  const options = { fieldManager: manager, force: forcesPatch(object) };
  try {
    return await cluster.api.apply(object, options, patience);
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
  manager: string,
  patience: Patience,
): Promise<KubernetesObject | undefined> {
  const options = { fieldManager: manager, dryRun: true };
  try {
    return await cluster.api.apply(object, { ...options, force: forcesPatch(object) }, patience);
  } catch (error) {
    // The real run turns these fields over first, which a dry run cannot.
    if (ownsAll(conflictingManagers(error))) {
      return cluster.api.apply(object, { ...options, force: true }, patience);
    }
    // Of a list whose item has moved the server would see both, for the same reason.
    if (isInvalid(error) && needsTurnover(await cluster.api.get(refOf(object), patience))) {
      return undefined;
    }
    throw fieldConflict(error, describe(refOf(object))) ?? error;
  }
}

function ownsAll(managers: readonly string[]): boolean {
  return managers.length > 0 && managers.every((name) => name === CREATE_MANAGER);
}

/**
 * Hands the fields of a plain write to `manager` as applied ones. Until then a dry run cannot tell
 * that a list's item left the program: it would see the old and the new one side by side.
 *
 * @param known the live object where it has just been read
 * @returns the live object; undefined when there is none
 */
export async function turnOverFields(
  { api }: Cluster,
  object: KubernetesObject,
  manager: string,
  patience: Patience,
  known?: KubernetesObject,
): Promise<KubernetesObject | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      const live =
        attempt === 1 && known !== undefined ? known : await api.get(refOf(object), patience);
      return needsTurnover(live)
        ? await api.setManagedFields(live, turnOver(live, manager), patience)
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
