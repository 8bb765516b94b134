import { createHash } from "node:crypto";

import type { Propagation } from "./api";
import { annotation, groupOf, hasTrueAnnotation, refOf, type Json } from "./objects";

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

/** The kinds whose deletion is not waited for either, when they skip waiting. */
const SKIPS_DELETION: ReadonlySet<string> = new Set([
  "/Namespace",
  "/Pod",
  "/ReplicationController",
  "apps/DaemonSet",
  "apps/Deployment",
  "apps/StatefulSet",
  "batch/Job",
]);

/** As the official provider has it: what blocks the name of any other kind has to be gone first. */
export function skipsDeletionAwait(object: Json): boolean {
  const { apiVersion, kind } = refOf(object);
  return skipsAwait(object) && SKIPS_DELETION.has(`${groupOf(apiVersion)}/${kind}`);
}

/** Wait for every kind by what most controllers keep to, also where it has no rule of its own. */
export function awaitsAll(): boolean {
  return process.env.PULUMI_K8S_AWAIT_ALL === "true";
}

export const REPLACE_UNREADY = "pulumi.com/replaceUnready";

/** Make an unready object anew on the next update, instead of waiting for it again. */
export function replacesUnready(object: Json): boolean {
  return hasTrueAnnotation(object, REPLACE_UNREADY);
}

/** Take fields over from other managers instead of reporting a conflict. */
export function forcesPatch(object: Json): boolean {
  return hasTrueAnnotation(object, "pulumi.com/patchForce");
}

const TIMEOUT = "pulumi.com/timeoutSeconds";

/**
 * Seconds to wait: the program's customTimeouts, else the annotation, else ten minutes. Zero is no
 * time of its own, neither here nor there.
 */
export function timeoutOf(object: Json, customSeconds: number | undefined): number {
  const seconds = customSeconds ?? 0;
  return seconds > 0 ? seconds : (annotatedTimeout(object) ?? DEFAULT_TIMEOUT_SECONDS);
}

function annotatedTimeout(object: Json): number | undefined {
  const text = annotation(object, TIMEOUT)?.trim() ?? "";
  return /^[0-9]+$/.test(text) && Number(text) > 0 ? Number(text) : undefined;
}

const PROPAGATION = "pulumi.com/deletionPropagationPolicy";
const PROPAGATIONS: Readonly<Record<string, Propagation>> = {
  background: "Background",
  foreground: "Foreground",
  orphan: "Orphan",
};

/** What happens to the dependents of a deleted object; by default they go first. */
export function propagationOf(object: Json): Propagation {
  return PROPAGATIONS[annotation(object, PROPAGATION)?.toLowerCase() ?? ""] ?? "Foreground";
}

/** Annotations that say nothing which could be understood, and what holds instead. */
export function annotationWarnings(object: Json): string[] {
  const timeout = annotation(object, TIMEOUT);
  const propagation = annotation(object, PROPAGATION);
  return [
    ...(timeout === undefined || annotatedTimeout(object) !== undefined
      ? []
      : [
          `annotation ${TIMEOUT}: "${timeout}" is no positive whole number of seconds, so the ` +
            `default of ${String(DEFAULT_TIMEOUT_SECONDS)} s holds.`,
        ]),
    ...(propagation === undefined || propagation.toLowerCase() in PROPAGATIONS
      ? []
      : [
          `annotation ${PROPAGATION}: "${propagation}" is none of background, foreground and ` +
            "orphan, so foreground holds.",
        ]),
  ];
}
