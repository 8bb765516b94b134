import { NullValue, ListValue, Struct, Value } from "google-protobuf/google/protobuf/struct_pb";

/** A property value as the engine and the providers exchange it. Numbers are doubles. */
export type PropertyValue =
  | null
  | boolean
  | number
  | string
  | PropertyValue[]
  | { [key: string]: PropertyValue }
  | Secret
  | Unknown;

/** The inputs or outputs of one resource. */
export type PropertyMap = Record<string, PropertyValue>;

/** A value that the engine encrypts in state and masks in its output. */
export class Secret {
  constructor(readonly value: PropertyValue) {}
}

/** A value that is not known yet during a preview. Compare with {@link UNKNOWN}. */
export class Unknown {
  private readonly kind = "unknown";

  /** So that a stray string conversion is noticed and never reads as a value. */
  toString(): string {
    return `<${this.kind}>`;
  }
}

export const UNKNOWN: Unknown = new Unknown();

const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/** The mark of an unknown string; it is also the one sent for every unknown. */
const UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const UNKNOWN_MARKS: ReadonlySet<string> = new Set([
  UNKNOWN_STRING,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // boolean
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // array
  "030794c1-ac77-496b-92df-f27374a8bd58", // asset
  "e48ece36-62e2-4504-bad9-02848725956a", // archive
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);

/** True for a plain object value: neither null, an array, a {@link Secret} nor {@link UNKNOWN}. */
export function isMap(value: PropertyValue | undefined): value is PropertyMap {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Secret) &&
    !(value instanceof Unknown)
  );
}

/** A string property; the empty string where it is anything else (Check has refused that). */
export function text(value: PropertyValue | undefined): string {
  return typeof value === "string" ? value : "";
}

/** Encodes a property map. Entries that are `undefined` are left out, as in JSON. */
export function toStruct(map: PropertyMap): Struct {
  const struct = new Struct();
  const fields = struct.getFieldsMap();
  for (const [key, value] of Object.entries<PropertyValue | undefined>(map)) {
    if (value !== undefined) {
      fields.set(key, toProtobuf(value));
    }
  }
  return struct;
}

/** Decodes a property map; an absent struct is an empty map. */
export function fromStruct(struct: Struct | undefined): PropertyMap {
  const entries: [string, PropertyValue][] = [];
  struct?.getFieldsMap().forEach((value, key) => entries.push([key, fromProtobuf(value)]));
  // fromEntries defines own properties: no key can set a prototype.
  return Object.fromEntries(entries);
}

/** The same value without any {@link Secret} around or inside it. */
export function unwrapSecrets(value: PropertyMap): PropertyMap;
export function unwrapSecrets(value: PropertyValue): PropertyValue;
export function unwrapSecrets(value: PropertyValue): PropertyValue {
  if (value instanceof Secret) {
    return unwrapSecrets(value.value);
  }
  if (Array.isArray(value)) {
    return value.map((item) => unwrapSecrets(item));
  }
  return isMap(value) ? mapValues(value, (item) => unwrapSecrets(item)) : value;
}

/** Whether the value is, or holds anywhere, {@link UNKNOWN}. */
export function containsUnknown(value: PropertyValue | undefined): boolean {
  return contains(value, (item) => item instanceof Unknown);
}

/** Whether the value is, or holds anywhere, a {@link Secret}. */
export function containsSecret(value: PropertyValue | undefined): boolean {
  return contains(value, (item) => item instanceof Secret);
}

/** A new map with the same keys; `undefined` results are left out. */
export function mapValues(
  map: PropertyMap,
  transform: (value: PropertyValue, key: string) => PropertyValue | undefined,
): PropertyMap {
  const entries: [string, PropertyValue][] = [];
  for (const [key, value] of Object.entries(map)) {
    const transformed = transform(value, key);
    if (transformed !== undefined) {
      entries.push([key, transformed]);
    }
  }
  return Object.fromEntries(entries);
}

function contains(
  value: PropertyValue | undefined,
  matches: (value: PropertyValue) => boolean,
): boolean {
  if (value === undefined) {
    return false;
  }
  if (matches(value)) {
    return true;
  }
  if (value instanceof Secret) {
    return contains(value.value, matches);
  }
  if (Array.isArray(value)) {
    return value.some((item) => contains(item, matches));
  }
  return isMap(value) && Object.values(value).some((item) => contains(item, matches));
}

function toProtobuf(value: PropertyValue): Value {
  const encoded = new Value();
  if (value === null) {
    encoded.setNullValue(NullValue.NULL_VALUE);
  } else if (typeof value === "boolean") {
    encoded.setBoolValue(value);
  } else if (typeof value === "number") {
    encoded.setNumberValue(value);
  } else if (typeof value === "string") {
    encoded.setStringValue(value);
  } else if (value instanceof Unknown) {
    encoded.setStringValue(UNKNOWN_STRING);
  } else if (value instanceof Secret) {
    encoded.setStructValue(toStruct({ [SIGNATURE_KEY]: SECRET_SIGNATURE, value: value.value }));
  } else if (Array.isArray(value)) {
    const list = new ListValue();
    list.setValuesList(value.map((item) => toProtobuf(item)));
    encoded.setListValue(list);
  } else {
    encoded.setStructValue(toStruct(value));
  }
  return encoded;
}

function fromProtobuf(value: Value): PropertyValue {
  switch (value.getKindCase()) {
    case Value.KindCase.BOOL_VALUE:
      return value.getBoolValue();
    case Value.KindCase.NUMBER_VALUE:
      return value.getNumberValue();
    case Value.KindCase.STRING_VALUE:
      return fromText(value.getStringValue());
    case Value.KindCase.LIST_VALUE:
      return (value.getListValue()?.getValuesList() ?? []).map((item) => fromProtobuf(item));
    case Value.KindCase.STRUCT_VALUE:
      return fromEnvelope(fromStruct(value.getStructValue()));
    default:
      return null;
  }
}

/** Unknowns travel as texts; any other text is itself. */
export function fromText(text: string): string | Unknown {
  return UNKNOWN_MARKS.has(text) ? UNKNOWN : text;
}

/** Secrets and outputs travel as maps with a signature; any other map is itself. */
export function fromEnvelope(map: PropertyMap): PropertyValue {
  switch (map[SIGNATURE_KEY]) {
    case SECRET_SIGNATURE:
      return new Secret(map.value ?? null);
    case OUTPUT_SIGNATURE: {
      // An output that has no value at all is one that is not known yet.
      const value = "value" in map ? (map.value ?? null) : UNKNOWN;
      return map.secret === true ? new Secret(value) : value;
    }
    default:
      return map;
  }
}
