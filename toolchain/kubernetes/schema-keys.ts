import { isMap, mapValues, Secret, type PropertyMap, type PropertyValue } from "../plugin/values";

/** Keys of a CRD's schema that are no identifiers: the SDK spells them with underscores. */
const DASHED = [
  "x-kubernetes-embedded-resource",
  "x-kubernetes-int-or-string",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-list-type",
  "x-kubernetes-map-type",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-validations",
];
const TO_SDK = new Map(DASHED.map((key) => [key, key.replaceAll("-", "_")]));
const TO_API = new Map(DASHED.map((key) => [key.replaceAll("-", "_"), key]));

/** The same with the API's own spelling: what is sent, and what inputs hold. */
export function withApiKeys(object: PropertyMap): PropertyMap {
  return renamed(object, TO_API);
}

/** The same as the SDK's types spell it: what outputs hold. */
export function withSdkKeys(object: PropertyMap): PropertyMap {
  return renamed(object, TO_SDK);
}

function renamed(map: PropertyMap, names: ReadonlyMap<string, string>): PropertyMap {
  const walk = (value: PropertyValue): PropertyValue => {
    if (value instanceof Secret) {
      return new Secret(walk(value.value));
    }
    if (Array.isArray(value)) {
      return value.map((item) => walk(item));
    }
    return isMap(value) ? renamed(value, names) : value;
  };
  return Object.fromEntries(
    Object.entries(mapValues(map, walk)).map(([key, value]) => [names.get(key) ?? key, value]),
  );
}
