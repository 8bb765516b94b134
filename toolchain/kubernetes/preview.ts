import type {
  Context,
  CreateRequest,
  CreateResult,
  UpdateRequest,
  UpdateResult,
} from "../plugin/provider";
import { containsUnknown, type PropertyMap } from "../plugin/values";
import { applyingFor, dryRunApply } from "./apply";
import type { Patience } from "./client";
import type { Cluster } from "./cluster";
import { UnknownKindError } from "./discovery";
import { immutableFields, isAlreadyExists, isMissingNamespace, UnreachableError } from "./errors";
import {
  CREATE_MANAGER,
  declaredManager,
  fieldManagerFor,
  isOurs,
  needsTurnover,
  newFieldManager,
} from "./managed-fields";
import { nameIsTaken } from "./create";
import { refOf, type KubernetesObject } from "./objects";
import { masking } from "./secrets";
import type { Trial } from "./resource-diff";
import type { Session } from "./session";
import { liveOf, marksOf, previewOutputs, toManifest, toOutputs, undecidedOutputs } from "./state";

type Attempt = (cluster: Cluster, patience: Patience) => Promise<KubernetesObject | undefined>;

/** Outputs of an object to be created, checked by the server where that is possible. */
export async function previewCreate(
  session: Session,
  request: CreateRequest,
  context: Context,
): Promise<CreateResult> {
  const { urn, inputs } = request;
  if (containsUnknown(inputs)) {
    return { id: "", outputs: undecidedOutputs(inputs, undefined) };
  }
  const object = toManifest(inputs);
  const manager = declaredManager(object) ?? fieldManagerFor(urn);
  const applying = applyingFor(request, object, { manager }, session.settings);
  const live = await attempt(session, urn, inputs, context, (cluster, patience) =>
    applying.part
      ? dryRunApply(cluster, object, applying, patience)
      : dryRunCreate(session, cluster, object, manager, patience),
  );
  const outputs =
    live === undefined
      ? undecidedOutputs(inputs, undefined)
      : previewOutputs(toOutputs(live, inputs, marksFor(live)), undefined);
  return { id: "", outputs };
}

/** Outputs of an object to be updated, likewise. */
export async function previewUpdate(
  session: Session,
  request: UpdateRequest,
  context: Context,
): Promise<UpdateResult> {
  const { urn, news, oldOutputs } = request;
  const before = liveOf(oldOutputs);
  if (containsUnknown(news)) {
    return { outputs: undecidedOutputs(news, before) };
  }
  const object = toManifest(news);
  const earlier = { ...marksFor(before), ...marksOf(oldOutputs) };
  const marks = { ...earlier, fieldManager: declaredManager(object) ?? earlier.fieldManager };
  const managers = { manager: marks.fieldManager, before: earlier.fieldManager };
  const applying = applyingFor(request, object, managers, session.settings);
  const live = await attempt(session, urn, news, context, (cluster, patience) =>
    dryRunApply(cluster, object, applying, patience),
  );
  const outputs =
    live === undefined
      ? undecidedOutputs(news, before)
      : previewOutputs(toOutputs(live, news, marks), before);
  return { outputs };
}

/** What the server makes of an update without writing it; nothing when it cannot be asked. */
export async function tryUpdate(
  session: Session,
  urn: string,
  object: KubernetesObject,
  fieldManager: string | undefined,
  context: Context,
): Promise<Trial> {
  try {
    const cluster = await session.cluster();
    const patience = session.previewPatience(context, urn);
    // By force: who owns a field is the update's concern, what becomes of it is this one's.
    const manager = fieldManager ?? newFieldManager();
    const options = { fieldManager: manager, dryRun: true, force: true };
    const result = await cluster.api.apply(object, options, patience);
    // Fields not yet turned over: a list would show its old items beside the new ones.
    return needsTurnover(result, { manager, part: false })
      ? { immutable: [] }
      : { immutable: [], result };
  } catch (error) {
    if (error instanceof UnreachableError) {
      session.reportUnreachable(context, error.message);
    }
    // Any other refusal is reported by the update that follows, at its resource.
    return { immutable: immutableFields(error) };
  }
}

async function attempt(
  session: Session,
  urn: string,
  inputs: PropertyMap,
  context: Context,
  dryRun: Attempt,
): Promise<KubernetesObject | undefined> {
  try {
    return await masking(inputs, async () =>
      dryRun(await session.cluster(), session.previewPatience(context, urn)),
    );
  } catch (error) {
    if (error instanceof UnreachableError) {
      session.reportUnreachable(context, error.message);
      return undefined;
    }
    if (error instanceof UnknownKindError) {
      context.log.info(`Not checked in this preview: ${error.message}`, urn);
      return undefined;
    }
    // The namespace is created in the same run.
    if (isMissingNamespace(error)) {
      return undefined;
    }
    throw error;
  }
}

async function dryRunCreate(
  session: Session,
  { api, discovery }: Cluster,
  object: KubernetesObject,
  manager: string,
  patience: Patience,
): Promise<KubernetesObject | undefined> {
  const { apiVersion, kind } = refOf(object);
  const resource = await discovery.find(apiVersion, kind, patience);
  try {
    return await api.create(
      object,
      resource,
      { fieldManager: CREATE_MANAGER, dryRun: true },
      patience,
    );
  } catch (error) {
    if (!isAlreadyExists(error)) {
      throw error;
    }
    // A replacement that deletes first is previewed while the old object is still there.
    const live = await api.get(refOf(object), patience);
    if (!isOurs(live, manager) && !session.settings.upsertExistingObjects) {
      throw nameIsTaken(refOf(object));
    }
    return undefined;
  }
}

function marksFor(live: KubernetesObject): { initialApiVersion: string; fieldManager: string } {
  return { initialApiVersion: live.apiVersion, fieldManager: newFieldManager() };
}
