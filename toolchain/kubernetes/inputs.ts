import type { CheckFailure, CheckRequest, CheckResult } from "../plugin/provider";
import {
  isMap,
  mapValues,
  Secret,
  UNKNOWN,
  unwrapSecrets,
  type PropertyMap,
  type PropertyValue,
} from "../plugin/values";
import { AUTONAMED, chooseName } from "./naming";
import { withApiKeys } from "./schema-keys";
import { markSecretData } from "./secrets";
import { isPatch, objectKindOf } from "./types";

export interface InputContext {
  /** Namespace of objects that name none. */
  readonly defaultNamespace: string;
  /** Undefined when nobody knows (a CRD that does not exist yet): then no namespace is added. */
  readonly namespaced: boolean | undefined;
}

/** The declared object in the form in which it is kept in state and sent. */
export function checkInputs(request: CheckRequest, context: InputContext): CheckResult {
  const failures: CheckFailure[] = [];
  const inputs = withKind(withApiKeys(dropNulls(request.news)), request.type);
  const complete = withMetadata(inputs, request, context, failures);
  return {
    inputs: complete.kind === "Secret" ? secretData(complete, failures) : complete,
    failures,
  };
}

/** The declared metadata without wrappers; empty where it is not known. */
export function metadataOf(inputs: PropertyMap): PropertyMap {
  const metadata = unwrapSecrets(inputs.metadata ?? {});
  return isMap(metadata) ? metadata : {};
}

function withKind(inputs: PropertyMap, type: string): PropertyMap {
  const { apiVersion, kind } = objectKindOf(type);
  return { ...inputs, apiVersion: inputs.apiVersion ?? apiVersion, kind: inputs.kind ?? kind };
}

function withMetadata(
  inputs: PropertyMap,
  request: CheckRequest,
  context: InputContext,
  failures: CheckFailure[],
): PropertyMap {
  const declared = inputs.metadata ?? {};
  const metadata = declared instanceof Secret ? declared.value : declared;
  if (metadata === UNKNOWN) {
    return inputs;
  }
  if (!isMap(metadata)) {
    failures.push({ property: "metadata", reason: "must be an object" });
    return inputs;
  }
  const part = isPatch(request.type, typeof inputs.kind === "string" ? inputs.kind : "");
  const complete = part
    ? namedByProgram(metadata, failures)
    : named({ ...metadata }, request, failures);
  if (context.namespaced === true && !isSet(complete.namespace)) {
    complete.namespace = context.defaultNamespace;
  }
  return { ...inputs, metadata: declared instanceof Secret ? new Secret(complete) : complete };
}

function namedByProgram(metadata: PropertyMap, failures: CheckFailure[]): PropertyMap {
  if (!isSet(metadata.name)) {
    const reason = "is required: a patch changes the object of that name";
    failures.push({ property: "metadata.name", reason });
  }
  return { ...metadata };
}

function named(
  metadata: PropertyMap,
  request: CheckRequest,
  failures: CheckFailure[],
): PropertyMap {
  const chosen = chooseName(metadata, request);
  if (chosen === undefined) {
    if (metadata.name === undefined && metadata.generateName === undefined) {
      const reason = "is required: the stack's configuration turns automatic naming off";
      failures.push({ property: "metadata.name", reason });
    }
    return metadata;
  }
  const annotations = metadata.annotations ?? {};
  return {
    ...metadata,
    name: chosen.name,
    ...(isMap(annotations) ? { annotations: { ...annotations, [AUTONAMED]: "true" } } : {}),
  };
}

/** `stringData` is write-only in the API: keeping it as `data` makes the object comparable. */
function secretData(inputs: PropertyMap, failures: CheckFailure[]): PropertyMap {
  const { stringData, ...rest } = inputs;
  if (stringData === undefined) {
    return markSecretData(rest);
  }
  const clear = unwrapSecrets(stringData);
  const data = unwrapSecrets(rest.data ?? {});
  if (clear === UNKNOWN || !isMap(clear) || !isMap(data)) {
    return markSecretData({ ...rest, data: UNKNOWN });
  }
  const encoded = mapValues(clear, (value, key) => encode(value, key, failures));
  return markSecretData({ ...rest, data: { ...data, ...encoded } });
}

function encode(value: PropertyValue, key: string, failures: CheckFailure[]): PropertyValue {
  if (typeof value === "string") {
    return Buffer.from(value, "utf8").toString("base64");
  }
  if (value !== UNKNOWN) {
    failures.push({ property: `stringData.${key}`, reason: "must be a string" });
  }
  return value;
}

/** The API takes null for "not given"; so does state. */
function dropNulls(map: PropertyMap): PropertyMap {
  const clean = (value: PropertyValue): PropertyValue => {
    if (value instanceof Secret) {
      return new Secret(clean(value.value));
    }
    if (Array.isArray(value)) {
      return value.map((item) => clean(item));
    }
    return isMap(value) ? dropNulls(value) : value;
  };
  return mapValues(map, (value) => (value === null ? undefined : clean(value)));
}

function isSet(value: PropertyValue | undefined): boolean {
  return value !== undefined && value !== "";
}
