import { PartialFailure, PluginError } from "../plugin/errors";
import {
  isMap,
  mapValues,
  Secret,
  unwrapSecrets,
  type PropertyMap,
  type PropertyValue,
} from "../plugin/values";

/** Shorter values are too likely to occur by chance for a search by content. */
const MIN_SEARCHED_LENGTH = 8;

const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * Marks as secret in `target` what is secret in `inputs`: at the same path, and wherever else the
 * same text turns up (an item may have moved, a controller may have copied it). All data of a
 * Secret is secret, declared so or not.
 */
export function markSecrets(target: PropertyMap, inputs: PropertyMap): PropertyMap {
  const values = secretTexts(inputs);
  const marked = markAt(target, inputs);
  const swept = isMap(marked) ? mapValues(marked, (value) => sweep(value, values)) : target;
  return swept.kind === "Secret" ? markSecretData(swept) : swept;
}

/** Wraps `data` and `stringData` as one secret each, and kubectl's copy of them. */
export function markSecretData(object: PropertyMap): PropertyMap {
  return mapValues(object, (value, key) => {
    if (key === "data" || key === "stringData") {
      return new Secret(unwrapSecrets(value));
    }
    return key === "metadata" ? markLastApplied(value) : value;
  });
}

/** Runs `action`; what it throws has the secrets of the inputs masked. */
export async function masking<T>(inputs: PropertyMap, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof PluginError) {
      error.message = mask(error.message, inputs);
    }
    if (error instanceof PartialFailure) {
      const reasons = error.reasons.map((reason) => mask(reason, inputs));
      throw new PartialFailure(error.id, error.outputs, reasons, error.inputs);
    }
    throw error;
  }
}

function mask(message: string, inputs: PropertyMap): string {
  return secretTexts(inputs).reduce((text, secret) => text.replaceAll(secret, "[secret]"), message);
}

function markAt(target: PropertyValue, inputs: PropertyValue | undefined): PropertyValue {
  if (inputs instanceof Secret) {
    return new Secret(target);
  }
  if (isMap(target) && isMap(inputs)) {
    return mapValues(target, (value, key) =>
      markAt(value, Object.hasOwn(inputs, key) ? inputs[key] : undefined),
    );
  }
  if (Array.isArray(target) && Array.isArray(inputs)) {
    return target.map((item, index) => markAt(item, inputs[index]));
  }
  return target;
}

function sweep(value: PropertyValue, secrets: readonly string[]): PropertyValue {
  if (secrets.length === 0 || value instanceof Secret) {
    return value;
  }
  if (typeof value === "string") {
    return secrets.some((secret) => value.includes(secret)) ? new Secret(value) : value;
  }
  if (Array.isArray(value)) {
    return value.map((item) => sweep(item, secrets));
  }
  return isMap(value) ? mapValues(value, (item) => sweep(item, secrets)) : value;
}

/** The texts inside secrets, longest first, also as base64 and as they stand before it. */
function secretTexts(inputs: PropertyMap): string[] {
  const found = new Set<string>();
  const collect = (value: PropertyValue, inSecret: boolean): void => {
    if (value instanceof Secret) {
      collect(value.value, true);
    } else if (Array.isArray(value)) {
      value.forEach((item) => collect(item, inSecret));
    } else if (isMap(value)) {
      Object.values(value).forEach((item) => collect(item, inSecret));
    } else if (inSecret && typeof value === "string") {
      for (const text of [value, Buffer.from(value).toString("base64"), decoded(value)]) {
        if (text.length >= MIN_SEARCHED_LENGTH) {
          found.add(text);
        }
      }
    }
  };
  collect(inputs, false);
  return [...found].sort((left, right) => right.length - left.length);
}

/** The text behind base64; empty when it is none. */
function decoded(value: string): string {
  const text = Buffer.from(value, "base64").toString("utf8");
  return Buffer.from(text).toString("base64") === value ? text : "";
}

function markLastApplied(metadata: PropertyValue): PropertyValue {
  if (!isMap(metadata) || !isMap(metadata.annotations)) {
    return metadata;
  }
  const annotations = mapValues(metadata.annotations, (value, key) =>
    key === LAST_APPLIED ? new Secret(unwrapSecrets(value)) : value,
  );
  return { ...metadata, annotations };
}
