import { ownersOf } from "./managed-fields";
import { getPath, isJsonMap, type Json, type KubernetesObject } from "./objects";
import { parsePath, type Path } from "./paths";

/**
 * The object to apply where the program ignores changes of some fields: a field that only others
 * own is left out (no conflict, no shared ownership), one of our own keeps its live value.
 *
 * @param ours the managers under whose names the object's own fields stand
 * @param paths as `ignoreChanges` gives them, such as `spec.replicas` or `spec.ports[*].nodePort`
 */
export function leavingIgnored(
  object: KubernetesObject,
  live: KubernetesObject,
  paths: readonly string[],
  ours: readonly string[],
): KubernetesObject {
  const result = structuredClone(object);
  for (const path of paths.flatMap((text) => expand(object, parsePath(text)))) {
    const owners = ownersOf(live, path);
    const liveValue = getPath(live, ...path);
    if (owners.length > 0 && !owners.some((owner) => ours.includes(owner))) {
      setPath(result, path, undefined);
    } else if (liveValue !== undefined) {
      setPath(result, path, liveValue);
    }
  }
  return result;
}

/** The paths of the object that a path with wildcards names. */
function expand(object: Json | undefined, path: Path): Path[] {
  const wildcard = path.indexOf("*");
  if (wildcard < 0) {
    return [path];
  }
  const before = path.slice(0, wildcard);
  const parent = getPath(object, ...before);
  const keys = Array.isArray(parent)
    ? parent.map((_, index) => index)
    : isJsonMap(parent)
      ? Object.keys(parent)
      : [];
  return keys.flatMap((key) => expand(object, [...before, key, ...path.slice(wildcard + 1)]));
}

/** Sets the value where its parent exists; `undefined` removes it. */
function setPath(object: Json, path: Path, value: Json | undefined): void {
  const parent = getPath(object, ...path.slice(0, -1));
  const last = path.at(-1);
  if (isJsonMap(parent) && typeof last === "string") {
    if (value === undefined) {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a copy of JSON
      delete parent[last];
    } else {
      parent[last] = value;
    }
  } else if (Array.isArray(parent) && typeof last === "number" && last < parent.length) {
    if (value !== undefined) {
      parent[last] = value;
    }
  }
}
