import { PartialFailure, PluginError } from "../plugin/errors";
import type {
  Context,
  CreateRequest,
  CreateResult,
  DeleteRequest,
  ReadRequest,
  ReadResult,
  UpdateRequest,
  UpdateResult,
} from "../plugin/provider";
import type { PropertyMap } from "../plugin/values";
import { propagationOf, skipsDeletionAwait, timeoutOf } from "./annotations";
import { applyingFor, applyObject, relinquish } from "./apply";
import type { Patience } from "./client";
import { KubeconfigError, type Cluster } from "./cluster";
import { createObject } from "./create";
import { UnknownKindError } from "./discovery";
import { isNotFound, requiredFieldLeft, UnreachableError } from "./errors";
import { declaredManager, fieldManagerFor, isCreatedFor, newFieldManager } from "./managed-fields";
import {
  describe,
  formatId,
  parseId,
  refOf,
  textAt,
  type KubernetesObject,
  type ObjectRef,
} from "./objects";
import { settle, settleDeletion, unreadiness } from "./readiness";
import { masking } from "./secrets";
import type { Session } from "./session";
import {
  inputsAfterDrift,
  inputsFromLive,
  inputsOf,
  liveOf,
  marksOf,
  toManifest,
  toOutputs,
} from "./state";
import { isPatch, objectKindOf } from "./types";

/** Creates the object and waits until it is ready. */
export function createResource(
  session: Session,
  request: CreateRequest,
  context: Context,
): Promise<CreateResult> {
  const { urn, inputs } = request;
  return masking(inputs, async () => {
    const object = toManifest(inputs);
    const timeoutSeconds = timeoutOf(object, request.timeoutSeconds);
    const fieldManager = declaredManager(object) ?? fieldManagerFor(urn);
    const marks = { initialApiVersion: object.apiVersion, fieldManager };
    const cluster = await session.cluster();
    const applying = applyingFor(request, object, { manager: fieldManager }, session.settings);
    const patience = session.patience(context, urn, timeoutSeconds);
    const live = applying.part
      ? await applyObject(cluster, object, applying, patience)
      : await createObject(cluster, object, {
          urn,
          applying,
          upsert: session.settings.upsertExistingObjects,
          timeoutSeconds,
          patience,
          onStatus: (message) => context.log.status(message, urn),
        });
    const outputs = await settle(cluster, live, inputs, marks, { urn, timeoutSeconds, context });
    return { id: formatId(refOf(live)), outputs };
  });
}

/** Applies the declared form and waits until the object is ready again. */
export async function updateResource(
  session: Session,
  request: UpdateRequest,
  context: Context,
): Promise<UpdateResult> {
  const { urn, news, oldOutputs } = request;
  const object = named(toManifest(news), oldOutputs);
  const timeoutSeconds = timeoutOf(object, request.timeoutSeconds);
  const before = marksOf(oldOutputs);
  const marks = {
    initialApiVersion: before.initialApiVersion ?? object.apiVersion,
    fieldManager: declaredManager(object) ?? before.fieldManager ?? newFieldManager(),
  };
  const managers = { manager: marks.fieldManager, before: before.fieldManager };
  try {
    return await masking(news, async () => {
      const cluster = await session.cluster();
      const patience = session.patience(context, urn, timeoutSeconds);
      const applying = applyingFor(request, object, managers, session.settings);
      const live = await applyObject(cluster, object, applying, patience);
      return {
        outputs: await settle(cluster, live, news, marks, { urn, timeoutSeconds, context }),
      };
    });
  } catch (error) {
    if (session.settings.skipUpdateUnreachable && isUnreachable(error)) {
      context.log.warn(`Left as it is: ${error.message}`, urn);
      return { outputs: oldOutputs };
    }
    throw error;
  }
}

/** Deletes the object and waits until it is gone. */
export async function deleteResource(
  session: Session,
  request: DeleteRequest,
  context: Context,
): Promise<void> {
  const { urn } = request;
  const last = liveOf(request.outputs);
  const ref = { ...objectKindOf(request.type), ...refFrom(last), ...parseId(request.id) };
  const declared = toManifest(inputsOf(request.inputs, () => request.outputs));
  const timeoutSeconds = timeoutOf(declared, request.timeoutSeconds);
  try {
    const cluster = await session.cluster();
    const patience = session.patience(context, urn, timeoutSeconds);
    if (isPatch(request.type, ref.kind)) {
      await releasePart(cluster, last, request, patience);
      return;
    }
    const live = await cluster.api.get(ref, patience);
    await cluster.api.delete(ref, propagationOf(declared), patience);
    if (!skipsDeletionAwait(declared)) {
      await settleDeletion(cluster, live, ref, { urn, timeoutSeconds, context });
    }
  } catch (error) {
    if (isNotFound(error) || error instanceof UnknownKindError) {
      return;
    }
    if (session.settings.deleteUnreachable && isUnreachable(error)) {
      context.log.warn(`Taken as deleted: ${error.message}`, urn);
      return;
    }
    throw withUnreachableHint(error);
  }
}

/** The object as it is; undefined when it is gone. Inputs follow what has drifted. */
export async function readResource(
  session: Session,
  request: ReadRequest,
  context: Context,
): Promise<ReadResult | undefined> {
  const { urn } = request;
  const before = liveOf(request.outputs);
  const ref = { ...objectKindOf(request.type), ...refFrom(before), ...parseId(request.id) };
  try {
    const cluster = await session.cluster();
    const { skipUpdateUnreachable } = session.settings;
    const patience = skipUpdateUnreachable
      ? session.previewPatience(context, urn)
      : session.patience(context, urn, timeoutOf(before, request.timeoutSeconds));
    const live = await cluster.api.get(withNamespace(ref, cluster), patience);
    const declared = inputsOf(request.inputs, () => request.outputs);
    const known = Object.keys(declared).length > 0;
    const inputs = known ? inputsAfterDrift(declared, before, live) : inputsFromLive(live);
    const marks = {
      initialApiVersion: live.apiVersion,
      // An object of an interrupted create keeps its manager: another one would be in conflict with it.
      fieldManager: isCreatedFor(live, urn) ? fieldManagerFor(urn) : newFieldManager(),
      ...marksOf(request.outputs),
    };
    const result = { id: formatId(refOf(live)), inputs, outputs: toOutputs(live, inputs, marks) };
    const problems = known ? await unreadiness(cluster, live, toManifest(declared), patience) : [];
    if (problems.length > 0) {
      throw new PartialFailure(result.id, result.outputs, problems, inputs);
    }
    return result;
  } catch (error) {
    if (isNotFound(error) || error instanceof UnknownKindError) {
      return undefined;
    }
    if (isUnreachable(error) && session.settings.deleteUnreachable) {
      context.log.warn(`Taken as deleted: ${error.message}`, urn);
      return undefined;
    }
    if (isUnreachable(error) && session.settings.skipUpdateUnreachable) {
      session.reportLeft(context, error.message);
      return { id: request.id, inputs: request.inputs, outputs: request.outputs };
    }
    throw withUnreachableHint(error);
  }
}

/** A part of an object is not deleted: it gives its fields up. */
async function releasePart(
  cluster: Cluster,
  object: KubernetesObject,
  { outputs }: DeleteRequest,
  patience: Patience,
): Promise<void> {
  const { fieldManager } = marksOf(outputs);
  if (fieldManager === undefined) {
    return;
  }
  try {
    await relinquish(cluster, object, fieldManager, patience);
  } catch (error) {
    throw requiredFieldLeft(error, describe(refOf(object))) ?? error;
  }
}

/** The kind as it was last written, where state has it. */
function refFrom(object: KubernetesObject): Partial<ObjectRef> {
  const { apiVersion, kind } = refOf(object);
  return apiVersion === "" ? {} : { apiVersion, kind };
}

/** An id without a namespace means, for namespaced kinds, the provider's own. */
function withNamespace(ref: ObjectRef, cluster: Cluster): ObjectRef {
  return ref.namespace === "" ? { ...ref, namespace: cluster.defaultNamespace } : ref;
}

/** The server gave the name (generateName): updates have to carry it. */
function named(object: KubernetesObject, outputs: PropertyMap): KubernetesObject {
  if (textAt(object, "metadata", "name") !== "") {
    return object;
  }
  const { name } = refOf(liveOf(outputs));
  const metadata = Object.fromEntries(
    Object.entries({ ...object.metadata, name }).filter(([key]) => key !== "generateName"),
  );
  return { ...object, metadata };
}

function isUnreachable(error: unknown): error is PluginError {
  return error instanceof UnreachableError || error instanceof KubeconfigError;
}

function withUnreachableHint(error: unknown): unknown {
  return error instanceof UnreachableError
    ? new PluginError(
        `${error.message} If the cluster is gone for good, PULUMI_K8S_DELETE_UNREACHABLE=true ` +
          "removes its objects from the stack.",
        { cause: error },
      )
    : error;
}
