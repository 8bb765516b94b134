import { createHash } from "node:crypto";

import type { Propagation } from "./api";
import { annotation, hasTrueAnnotation, type Json } from "./objects";

const DEFAULT_TIMEOUT_SECONDS = 10 * 60;

/**
 * Says for which resource of which stack a create was sent. A create that was killed before it
 * answered is recognised by it when it is repeated; the first update removes it.
 */
export const CREATED_FOR = "drydock/created-for";

/** A short digest of the urn: it says "the same resource" without naming the stack. */
export function createdForValue(urn: string): string {
  return createHash("sha256").update(urn).digest("hex").slice(0, 16);
}

export function skipsAwait(object: Json): boolean {
  return hasTrueAnnotation(object, "pulumi.com/skipAwait");
}

/** Take fields over from other managers instead of reporting a conflict. */
export function forcesPatch(object: Json): boolean {
  const { PULUMI_K8S_ENABLE_PATCH_FORCE: always = "" } = process.env;
  return always.toLowerCase() === "true" || hasTrueAnnotation(object, "pulumi.com/patchForce");
}

/** Seconds to wait: the program's customTimeouts, else the annotation, else ten minutes. */
export function timeoutOf(object: Json, customSeconds: number | undefined): number {
  const annotated = Number(annotation(object, "pulumi.com/timeoutSeconds") ?? Number.NaN);
  const seconds = customSeconds ?? annotated;
  return Number.isFinite(seconds) && seconds > 0 ? seconds : DEFAULT_TIMEOUT_SECONDS;
}

/** What happens to the dependents of a deleted object; by default they go first. */
export function propagationOf(object: Json): Propagation {
  switch (annotation(object, "pulumi.com/deletionPropagationPolicy")?.toLowerCase()) {
    case "background":
      return "Background";
    case "orphan":
      return "Orphan";
    default:
      return "Foreground";
  }
}
