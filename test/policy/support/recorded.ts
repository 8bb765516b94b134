import {
  mapValues,
  type PropertyMap,
  type PropertyValue,
  Secret,
  Unknown,
} from "../../../toolchain/plugin/values";
import type { RecordedResource } from "../../../review/recording/recorded";
import type { Recording } from "../../../review/recording/recorder";
import { type Asked, type Inputs, UNKNOWN_TEXT } from "./pack";

/** The resources of a recording, as the engine would ask a pack about them. */
export function asked({ resources }: Recording): Asked[] {
  const inputs = new Map(resources.map((one) => [one.urn, plainInputs(one.inputs)]));
  return resources.map((one) => withProvider(one, inputs));
}

function withProvider(
  { urn, type, name, provider, dependencies, propertyDependencies, options }: RecordedResource,
  inputs: ReadonlyMap<string, Inputs>,
): Asked {
  const ofProvider = inputs.get(provider);
  return {
    urn,
    type,
    name,
    inputs: inputs.get(urn) ?? {},
    protect: options.protect ?? false,
    ignoreChanges: options.ignoreChanges ?? [],
    dependencies,
    propertyDependencies,
    ...(ofProvider && { provider: ofProvider }),
  };
}

/** Secrets in the clear, as a pack gets them. */
function plainInputs(map: PropertyMap): Inputs {
  return mapValues(map, plain);
}

function plain(value: PropertyValue): PropertyValue {
  if (value instanceof Secret) return plain(value.value);
  if (value instanceof Unknown) return UNKNOWN_TEXT;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) return mapValues(value, plain);
  return value;
}
