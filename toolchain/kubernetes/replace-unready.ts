import type { Context, DiffRequest, DiffResult } from "../plugin/provider";
import { REPLACE_UNREADY, replacesUnready } from "./annotations";
import { isNotFound, UnreachableError } from "./errors";
import { parseId, refOf, type KubernetesObject } from "./objects";
import { unreadiness } from "./readiness";
import { keepsName } from "./resource-diff";
import type { Session } from "./session";
import { toManifest } from "./state";

/**
 * Replaces a Job that has not succeeded, where the program asks for it: a failed run cannot be
 * mended by waiting for it again.
 */
export async function replaceUnready(
  session: Session,
  request: DiffRequest,
  result: DiffResult,
  context: Context,
): Promise<DiffResult> {
  const declared = toManifest(request.news);
  if (!replacesUnready(declared)) {
    return result;
  }
  if (declared.kind !== "Job") {
    const rule = `annotation ${REPLACE_UNREADY}: only a Job is replaced`;
    context.log.warn(`${rule}; a ${declared.kind} that is not ready is waited for`, request.urn);
    return result;
  }
  if (!(await isUnready(session, request, declared, context))) {
    return result;
  }
  const path = `metadata.annotations["${REPLACE_UNREADY}"]`;
  return {
    changes: "some",
    detailedDiff: { ...result.detailedDiff, [path]: { kind: "update-replace" } },
    deleteBeforeReplace: result.deleteBeforeReplace === true || keepsName(request),
  };
}

async function isUnready(
  session: Session,
  { urn, id }: DiffRequest,
  declared: KubernetesObject,
  context: Context,
): Promise<boolean> {
  const patience = session.previewPatience(context, urn);
  try {
    const cluster = await session.cluster();
    const live = await cluster.api.get({ ...refOf(declared), ...parseId(id) }, patience);
    return (await unreadiness(cluster, live, declared, patience)).length > 0;
  } catch (error) {
    if (error instanceof UnreachableError) {
      session.reportUnreachable(context, error.message);
      return false;
    }
    if (isNotFound(error)) {
      return false;
    }
    throw error;
  }
}
