import { createHash, randomBytes } from "node:crypto";

import type { CheckRequest } from "../plugin/provider";
import { isMap, unwrapSecrets, type PropertyMap } from "../plugin/values";

export const AUTONAMED = "pulumi.com/autonamed";

/** Names of many kinds become DNS labels, which end at 63 characters. */
const MAX_NAME_LENGTH = 63;
const SUFFIX_BYTES = 4;

export interface Name {
  readonly name: string;
  /** Made here, not declared: carries the annotation, and may exist twice during a replacement. */
  readonly autonamed: boolean;
}

/**
 * The name of an object that declares none: the one it has, else a new one. Undefined where the
 * program or the API server (generateName) gives it.
 */
export function chooseName(
  metadata: PropertyMap,
  request: Pick<CheckRequest, "olds" | "name" | "randomSeed" | "autonaming">,
): Name | undefined {
  if (metadata.name !== undefined || metadata.generateName !== undefined) {
    return undefined;
  }
  const kept = autonameOf(request.olds);
  if (kept !== undefined) {
    return { name: kept, autonamed: true };
  }
  switch (request.autonaming?.mode) {
    case "disable":
      return undefined;
    case "enforce":
    case "propose":
      return { name: request.autonaming.proposedName, autonamed: true };
    case undefined:
      return { name: randomName(request.name, request.randomSeed), autonamed: true };
  }
}

/** `prefix-` and 8 hexadecimal digits; the same seed gives the same name. */
export function randomName(prefix: string, seed: Uint8Array): string {
  const bytes =
    seed.length === 0
      ? randomBytes(SUFFIX_BYTES)
      : createHash("sha256").update(seed).update(prefix).digest().subarray(0, SUFFIX_BYTES);
  const suffix = `-${bytes.toString("hex")}`;
  return prefix.slice(0, MAX_NAME_LENGTH - suffix.length) + suffix;
}

export function isAutonamed(inputs: PropertyMap): boolean {
  return autonameOf(inputs) !== undefined;
}

function autonameOf(inputs: PropertyMap): string | undefined {
  const { metadata } = unwrapSecrets(inputs);
  if (!isMap(metadata) || !isMap(metadata.annotations)) {
    return undefined;
  }
  const marked = metadata.annotations[AUTONAMED] === "true";
  return marked && typeof metadata.name === "string" ? metadata.name : undefined;
}
