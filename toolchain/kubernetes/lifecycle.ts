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
import { applyObject } from "./apply";
import { KubeconfigError, type Cluster } from "./cluster";
import { createObject } from "./create";
import { UnknownKindError } from "./discovery";
import { isNotFound, UnreachableError } from "./errors";
import { fieldManagerFor, newFieldManager } from "./managed-fields";
import {
  formatId,
  kindOfType,
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

/** Creates the object and waits until it is ready. */
export function createResource(
  session: Session,
  { urn, inputs, timeoutSeconds: customSeconds }: CreateRequest,
  context: Context,
): Promise<CreateResult> {
  return masking(inputs, async () => {
    const object = toManifest(inputs);
    const timeoutSeconds = timeoutOf(object, customSeconds);
    const marks = { initialApiVersion: object.apiVersion, fieldManager: fieldManagerFor(urn) };
    const cluster = await session.cluster();
    const live = await createObject(cluster, object, {
      urn,
      fieldManager: marks.fieldManager,
      upsert: session.settings.upsertExistingObjects,
      timeoutSeconds,
      patience: session.patience(context, urn, timeoutSeconds),
      onStatus: (message) => context.log.status(message, urn),
    });
    const outputs = await settle(cluster, live, inputs, marks, { urn, timeoutSeconds, context });
    return { id: formatId(refOf(live)), outputs };
  });
}

/** Applies the declared form and waits until the object is ready again. */
export async function updateResource(
  session: Session,
  { urn, news, oldOutputs, timeoutSeconds: customSeconds }: UpdateRequest,
  context: Context,
): Promise<UpdateResult> {
  const object = named(toManifest(news), oldOutputs);
  const timeoutSeconds = timeoutOf(object, customSeconds);
  const marks = {
    initialApiVersion: object.apiVersion,
    fieldManager: newFieldManager(),
    ...marksOf(oldOutputs),
  };
  try {
    return await masking(news, async () => {
      const cluster = await session.cluster();
      const patience = session.patience(context, urn, timeoutSeconds);
      const live = await applyObject(cluster, object, marks.fieldManager, patience);
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
  const ref = { ...kindOfType(request.type), ...refFrom(last), ...parseId(request.id) };
  const declared = toManifest(inputsOf(request.inputs, request.outputs));
  const timeoutSeconds = timeoutOf(declared, request.timeoutSeconds);
  try {
    const cluster = await session.cluster();
    const patience = session.patience(context, urn, timeoutSeconds);
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
  const ref = { ...kindOfType(request.type), ...refFrom(before), ...parseId(request.id) };
  try {
    const cluster = await session.cluster();
    const { skipUpdateUnreachable } = session.settings;
    const patience = skipUpdateUnreachable
      ? session.previewPatience(context, urn)
      : session.patience(context, urn, timeoutOf(before, request.timeoutSeconds));
    const live = await cluster.api.get(withNamespace(ref, cluster), patience);
    const declared = inputsOf(request.inputs, request.outputs);
    const known = Object.keys(declared).length > 0;
    const inputs = known ? inputsAfterDrift(declared, before, live) : inputsFromLive(live);
    const marks = {
      initialApiVersion: live.apiVersion,
      fieldManager: newFieldManager(),
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
