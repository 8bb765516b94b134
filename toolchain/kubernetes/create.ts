import { setTimeout as sleep } from "node:timers/promises";

import { PluginError } from "../plugin/errors";
import { CREATED_FOR, createdForValue } from "./annotations";
import { applyObject, turnOverFields, type Applying } from "./apply";
import { deletionRule } from "./await/deletion";
import type { Patience } from "./client";
import type { Cluster } from "./cluster";
import { UnknownKindError, type ResourceKind } from "./discovery";
import { ApiError, isAlreadyExists, isInvalid, isMissingNamespace, isNotFound } from "./errors";
import { CREATE_MANAGER, isCreatedFor } from "./managed-fields";
import {
  describe,
  getPath,
  mapAt,
  refOf,
  textAt,
  type KubernetesObject,
  type ObjectRef,
} from "./objects";

export interface CreateOptions {
  readonly urn: string;
  /** How an object that is there already is brought up to date. */
  readonly applying: Applying;
  /** Take over any object of the same name. */
  readonly upsert: boolean;
  /** Seconds the whole operation may take. */
  readonly timeoutSeconds: number;
  readonly patience: Patience;
  readonly onStatus: (message: string) => void;
}

/** How long what the object needs (its namespace, its kind) may still be on its way. */
const PREREQUISITE_MS = 30_000;
const RETRY_PAUSE_MS = 250;
const MAX_PAUSE_MS = 5_000;

/**
 * Creates the object. It is safe to repeat after an interruption: an object that an earlier,
 * unanswered attempt for the same resource made is brought up to date and returned.
 *
 * @throws PluginError when the name is taken by an object of someone else.
 */
export async function createObject(
  cluster: Cluster,
  object: KubernetesObject,
  options: CreateOptions,
): Promise<KubernetesObject> {
  const { apiVersion, kind } = refOf(object);
  const until = Date.now() + Math.min(PREREQUISITE_MS, options.timeoutSeconds * 1_000);
  const marked = withCreator(object, options.urn);
  for (let pause = RETRY_PAUSE_MS; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    try {
      const resource = await cluster.discovery.find(apiVersion, kind, options.patience);
      return await create(cluster, marked, resource, options);
    } catch (error) {
      const named = textAt(object, "metadata", "name") !== "";
      // A Service that is there already is refused for its address before it is for its name.
      const taken = named && (isAlreadyExists(error) || isInvalid(error));
      const existing = taken ? await takeOver(cluster, marked, options) : undefined;
      if (typeof existing === "object") {
        return existing;
      }
      // What was in the way has gone.
      if (existing === "deleted" || isAlreadyExists(error)) {
        continue;
      }
      if (!isComing(error) || Date.now() > until) {
        throw error;
      }
      options.onStatus(`Trying again: ${(error as Error).message}`);
      await sleep(pause, undefined, { signal: options.patience.signal });
    }
  }
}

async function create(
  cluster: Cluster,
  object: KubernetesObject,
  resource: ResourceKind,
  { patience, applying }: CreateOptions,
): Promise<KubernetesObject> {
  const live = await cluster.api.create(
    object,
    resource,
    { fieldManager: CREATE_MANAGER },
    patience,
  );
  // The object is there: should this fail, the first update does it.
  const owned = turnOverFields(cluster, live, applying, patience, live);
  return (await owned.catch(() => undefined)) ?? live;
}

/**
 * The existing object, brought up to date; `deleted` when it was on its way out and has gone now,
 * undefined when there is none.
 */
async function takeOver(
  cluster: Cluster,
  object: KubernetesObject,
  options: CreateOptions,
): Promise<KubernetesObject | "deleted" | undefined> {
  const ref = refOf(object);
  const { patience } = options;
  const live = await cluster.api.get(ref, patience).catch((error: unknown) => {
    if (isNotFound(error)) {
      return undefined;
    }
    throw error;
  });
  if (live === undefined) {
    return undefined;
  }
  if (getPath(live, "metadata", "deletionTimestamp") !== undefined) {
    await cluster.waiter.wait(live, ref, deletionRule(textAt(live, "metadata", "uid")), {
      signal: patience.signal,
      timeoutSeconds: options.timeoutSeconds,
      unmet: "is not gone",
      cancelled: "is being deleted, so it was not created again: cancelled",
      onStatus: (message) => options.onStatus(`${message} before it can be created again`),
    });
    return "deleted";
  }
  if (!options.upsert && !isCreatedFor(live, options.urn)) {
    throw nameIsTaken(ref);
  }
  return applyObject(cluster, object, options.applying, patience);
}

export function nameIsTaken(ref: ObjectRef): PluginError {
  return new PluginError(
    `${describe(ref)} exists already and was not created by this resource. ` +
      'Import it (pulumi import, or the resource option "import"), delete it, or take it over ' +
      "with PULUMI_K8S_UPSERT_EXISTING_OBJECTS=true.",
  );
}

function withCreator(object: KubernetesObject, urn: string): KubernetesObject {
  const metadata = {
    ...object.metadata,
    annotations: {
      ...mapAt(object, "metadata", "annotations"),
      [CREATED_FOR]: createdForValue(urn),
    },
  };
  return { ...object, metadata };
}

/** Refusals that end by themselves while the rest of the stack is being created. */
function isComing(error: unknown): boolean {
  if (isMissingNamespace(error) || error instanceof UnknownKindError) {
    return true;
  }
  if (!(error instanceof ApiError) || error.status !== 403) {
    return false;
  }
  return (
    error.causes.some(({ reason }) => reason === "NamespaceTerminating") ||
    /serviceaccount "[^"]*" not found/.test(error.serverMessage)
  );
}
