import {
  isMap,
  mapValues,
  UNKNOWN,
  unwrapSecrets,
  type PropertyMap,
  type PropertyValue,
} from "../plugin/values";
import { CREATED_FOR } from "./annotations";
import {
  deepEqual,
  isJsonMap,
  toProperties,
  type Json,
  type JsonMap,
  type KubernetesObject,
} from "./objects";
import { withApiKeys, withSdkKeys } from "./schema-keys";
import { markSecrets } from "./secrets";

/** Marks of the provider's own in an object's outputs. */
const INPUTS = "__inputs";
const INITIAL_API_VERSION = "__initialApiVersion";
const FIELD_MANAGER = "__fieldManager";

export interface Marks {
  /** The apiVersion the object was created with. */
  readonly initialApiVersion: string;
  readonly fieldManager: string;
}

/** The outputs kept in state: the live object, a copy of the inputs, and the marks. */
export function toOutputs(live: JsonMap, inputs: PropertyMap, marks: Marks): PropertyMap {
  return {
    ...withSdkKeys(markSecrets(toProperties(live), inputs)),
    [INPUTS]: withSdkKeys(inputs),
    [INITIAL_API_VERSION]: marks.initialApiVersion,
    [FIELD_MANAGER]: marks.fieldManager,
  };
}

/** The marks of an object in state; undefined for those it does not have. */
export function marksOf(outputs: PropertyMap): Partial<Marks> {
  const initialApiVersion = outputs[INITIAL_API_VERSION];
  const fieldManager = outputs[FIELD_MANAGER];
  return {
    ...(typeof initialApiVersion === "string" ? { initialApiVersion } : {}),
    ...(typeof fieldManager === "string" ? { fieldManager } : {}),
  };
}

/** The live object inside outputs, in clear and without the marks. */
export function liveOf(outputs: PropertyMap): KubernetesObject {
  const clear = unwrapSecrets(outputs);
  const object = mapValues(clear, (value, key) => (key.startsWith("__") ? undefined : value));
  return toManifest(object);
}

/** The inputs an object was last given: those of the request, else the copy in its outputs. */
export function inputsOf(inputs: PropertyMap, outputs: () => PropertyMap): PropertyMap {
  if (Object.keys(inputs).length > 0) {
    return inputs;
  }
  const copy = outputs()[INPUTS];
  return isMap(copy) ? withApiKeys(copy) : inputs;
}

/** Inputs as the object to send. They must hold no unknowns. */
export function toManifest(inputs: PropertyMap): KubernetesObject {
  const object: unknown = { metadata: {}, ...withApiKeys(unwrapSecrets(inputs)) };
  return object as KubernetesObject;
}

/**
 * Inputs that describe the object as it is now: a declared field keeps its declared form as long
 * as the live value is the one the last operation left, and takes the live value after a drift.
 *
 * @param before The object as the last operation left it.
 */
export function inputsAfterDrift(inputs: PropertyMap, before: Json, live: Json): PropertyMap {
  const drifted = follow(unwrapSecrets(inputs) as JsonMap, before, live);
  return markSecrets(isJsonMap(drifted) ? toProperties(drifted) : {}, inputs);
}

const SERVER_METADATA: ReadonlySet<string> = new Set([
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "selfLink",
  "uid",
]);

/** Inputs of an imported object: all of it but what only the server sets. */
export function inputsFromLive(live: JsonMap): PropertyMap {
  const inputs = mapValues(toProperties(live), (value, key) => {
    if (key === "status") {
      return undefined;
    }
    return key === "metadata" && isMap(value) ? declaredMetadata(value) : value;
  });
  return markSecrets(inputs, {});
}

function declaredMetadata(metadata: PropertyMap): PropertyMap {
  return mapValues(metadata, (value, key) => {
    if (SERVER_METADATA.has(key)) {
      return undefined;
    }
    return key === "annotations" && isMap(value)
      ? mapValues(value, (text, name) => (name === CREATED_FOR ? undefined : text))
      : value;
  });
}

/**
 * Outputs of a preview without a dry run: what is declared over what is live, and as unknown what
 * only the server can tell.
 *
 * @param live The object as last seen; undefined when it is to be created.
 */
export function undecidedOutputs(
  inputs: PropertyMap,
  live: KubernetesObject | undefined,
): PropertyMap {
  const declared = live === undefined ? inputs : overlay(toProperties(live), inputs);
  return withUnknowns(isMap(declared) ? declared : inputs, live);
}

/** Outputs of a dry run, with what the real run will give afresh as unknown. */
export function previewOutputs(
  outputs: PropertyMap,
  live: KubernetesObject | undefined,
): PropertyMap {
  return withUnknowns(outputs, live);
}

const ASSIGNED_ON_CREATE = ["creationTimestamp", "resourceVersion", "uid"];

function withUnknowns(outputs: PropertyMap, live: KubernetesObject | undefined): PropertyMap {
  const metadata = isMap(outputs.metadata) ? { ...outputs.metadata } : {};
  delete metadata.managedFields;
  const volatile = live === undefined ? ASSIGNED_ON_CREATE : ["resourceVersion"];
  for (const key of volatile) {
    metadata[key] = UNKNOWN;
  }
  const result: PropertyMap = { ...outputs, metadata };
  const service = outputs.kind === "Service";
  if (service && live === undefined) {
    result.spec = withAssignedAddresses(outputs);
  }
  if (!service || live === undefined || typeOf(toProperties(live)) !== typeOf(outputs)) {
    result.status = UNKNOWN;
  }
  return result;
}

/** A dry run hands out addresses and ports that the real run will not. */
function withAssignedAddresses(outputs: PropertyMap): PropertyValue {
  const { spec } = outputs;
  const copy = outputs[INPUTS];
  const declared = isMap(copy) && isMap(copy.spec) ? copy.spec : spec;
  if (!isMap(spec) || !isMap(declared)) {
    return spec ?? null;
  }
  const result = { ...spec };
  for (const key of ["clusterIP", "clusterIPs", "healthCheckNodePort"]) {
    if (declared[key] === undefined && (key in spec || key === "clusterIP")) {
      result[key] = UNKNOWN;
    }
  }
  const declaredPorts = Array.isArray(declared.ports) ? declared.ports : [];
  if (Array.isArray(spec.ports)) {
    result.ports = spec.ports.map((port, index) => {
      const wanted = declaredPorts[index];
      const given = isMap(wanted) && wanted.nodePort !== undefined;
      return isMap(port) && port.nodePort !== undefined && !given
        ? { ...port, nodePort: UNKNOWN }
        : port;
    });
  }
  return result;
}

function typeOf(object: PropertyMap): PropertyValue | undefined {
  return isMap(object.spec) ? (object.spec.type ?? "ClusterIP") : undefined;
}

function overlay(base: PropertyValue, over: PropertyValue): PropertyValue {
  if (!isMap(base) || !isMap(over)) {
    return over;
  }
  const result: PropertyMap = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = base[key];
    result[key] = below === undefined ? value : overlay(below, value);
  }
  return result;
}

function follow(input: Json, before: Json | undefined, live: Json | undefined): Json | undefined {
  if (live === undefined) {
    return undefined;
  }
  if (deepEqual(before, live) || deepEqual(input, live)) {
    return input;
  }
  if (isJsonMap(input) && isJsonMap(live)) {
    const entries = Object.entries(input).flatMap(([key, value]): [string, Json][] => {
      const next = follow(value, isJsonMap(before) ? before[key] : undefined, live[key]);
      return next === undefined ? [] : [[key, next]];
    });
    return Object.fromEntries(entries);
  }
  if (Array.isArray(input) && Array.isArray(live)) {
    const old = Array.isArray(before) ? before : [];
    return live.map((item, index) => {
      const declared = input[index];
      return declared === undefined ? item : (follow(declared, old[index], item) ?? item);
    });
  }
  return live;
}
