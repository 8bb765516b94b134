import { PluginError } from "../plugin/errors";
import type { PropertyMap } from "../plugin/values";

/** JSON as the API server speaks it. */
export type Json = null | boolean | number | string | Json[] | JsonMap;
export interface JsonMap {
  [key: string]: Json;
}

/** Any Kubernetes object. The fields named here are the ones this plugin reads by itself. */
export interface KubernetesObject extends JsonMap {
  apiVersion: string;
  kind: string;
  metadata: JsonMap;
}

/** A kind with its API group and version, and where an object of it lives. */
export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
}

/** An object as property values: every JSON value is one. */
export function toProperties(object: JsonMap): PropertyMap {
  const value: unknown = object;
  return value as PropertyMap;
}

export function isJsonMap(value: Json | undefined): value is JsonMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at `path`, or undefined where any part of it is missing. */
export function getPath(
  value: Json | undefined,
  ...path: readonly (string | number)[]
): Json | undefined {
  let current = value;
  for (const key of path) {
    if (Array.isArray(current)) {
      current = typeof key === "number" ? current[key] : undefined;
    } else if (isJsonMap(current) && Object.hasOwn(current, key)) {
      current = current[key];
    } else {
      return undefined;
    }
  }
  return current;
}

/** The string at `path`; empty where there is none. */
export function textAt(value: Json | undefined, ...path: readonly (string | number)[]): string {
  const found = getPath(value, ...path);
  return typeof found === "string" ? found : "";
}

export function mapAt(value: Json | undefined, ...path: readonly (string | number)[]): JsonMap {
  const found = getPath(value, ...path);
  return isJsonMap(found) ? found : {};
}

export function listAt(value: Json | undefined, ...path: readonly (string | number)[]): Json[] {
  const found = getPath(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** An annotation's value; undefined where it is not set. */
export function annotation(object: Json | undefined, key: string): string | undefined {
  const value = getPath(object, "metadata", "annotations", key);
  return typeof value === "string" ? value : undefined;
}

export function hasTrueAnnotation(object: Json | undefined, key: string): boolean {
  return annotation(object, key)?.toLowerCase() === "true";
}

export function deepEqual(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) {
    return true;
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    return (
      left.length === right.length && left.every((item, index) => deepEqual(item, right[index]))
    );
  }
  if (isJsonMap(left) && isJsonMap(right)) {
    const keys = Object.keys(left);
    return (
      keys.length === Object.keys(right).length &&
      keys.every((key) => Object.hasOwn(right, key) && deepEqual(left[key], right[key]))
    );
  }
  return false;
}

export function refOf(object: Json): ObjectRef {
  return {
    apiVersion: textAt(object, "apiVersion"),
    kind: textAt(object, "kind"),
    namespace: textAt(object, "metadata", "namespace"),
    name: textAt(object, "metadata", "name"),
  };
}

/** `namespace/name`, or `name` for cluster-scoped objects: the id in the stack's state. */
export function formatId(ref: Pick<ObjectRef, "namespace" | "name">): string {
  return ref.namespace === "" ? ref.name : `${ref.namespace}/${ref.name}`;
}

export function parseId(id: string): Pick<ObjectRef, "namespace" | "name"> {
  const parts = id.split("/");
  const [first = "", second] = parts;
  if (id === "" || parts.length > 2 || parts.includes("")) {
    throw new PluginError(
      `"${id}" is no id of a Kubernetes object. Write "namespace/name", or "name" for a cluster-scoped kind.`,
    );
  }
  return second === undefined ? { namespace: "", name: first } : { namespace: first, name: second };
}

/** `Deployment web/nginx`, as messages name an object. */
export function describe(ref: Pick<ObjectRef, "kind" | "namespace" | "name">): string {
  return `${ref.kind} ${formatId(ref)}`;
}

/** API version and kind in a type token such as `kubernetes:core/v1:Pod`. */
export function kindOfType(type: string): { apiVersion: string; kind: string } {
  const [, groupVersion = "", kind = ""] = type.split(":");
  return { apiVersion: groupVersion.replace(/^core\//, ""), kind };
}

/** The API group; empty for the core group. */
export function groupOf(apiVersion: string): string {
  const [group = "", version] = apiVersion.split("/");
  return version === undefined ? "" : group;
}
