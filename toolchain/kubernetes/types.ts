import { version } from "@pulumi/kubernetes/package.json";

import { groupOf, kindOfType } from "./objects";

const PATCH = "Patch";

/** Components that the official plugin runs inside itself, and what does the same without it. */
const PROGRAMS: readonly (readonly [RegExp, string])[] = [
  [/^kubernetes:yaml\/v2:/, "kubernetes.yaml.ConfigGroup and ConfigFile (version 1) work here"],
  [/^kubernetes:helm\.sh\//, "render the chart (helm template) into kubernetes.yaml.ConfigFile"],
  [/^kubernetes:helm:/, "render the chart (helm template) into kubernetes.yaml.ConfigFile"],
  [/^kubernetes:kustomize/, "build it (kubectl kustomize) into kubernetes.yaml.ConfigFile"],
];

/**
 * Whether a resource is a part of an object that may belong to somebody else: its type is named
 * after the object's kind, `ConfigMapPatch` for a ConfigMap.
 */
export function isPatch(type: string, kind: string): boolean {
  return kind !== "" && kindOfType(type).kind === kind + PATCH;
}

/** API version and kind of the object behind a type, also where the resource is a part of it. */
export function objectKindOf(type: string): { apiVersion: string; kind: string } {
  const { apiVersion, kind } = kindOfType(type);
  // No built-in kind has that ending; a custom one may, and says its kind in its inputs.
  const isPart = kind.endsWith(PATCH) && isBuiltIn(apiVersion);
  return { apiVersion, kind: isPart ? kind.slice(0, -PATCH.length) : kind };
}

/** Why this plugin offers no such resource or function, with the way out; undefined where it does. */
export function refusalOf(token: string): string | undefined {
  const program = PROGRAMS.find(([pattern]) => pattern.test(token));
  if (program !== undefined) {
    return (
      `${token} runs inside the official Kubernetes provider plugin, which could not be ` +
      `downloaded on this machine. Install it (pulumi plugin install resource kubernetes ` +
      `v${version}), or do without: ${program[1]}.`
    );
  }
  const { apiVersion, kind } = kindOfType(token);
  if (kind.endsWith("List") && isBuiltIn(apiVersion)) {
    return (
      `${token} is what the API server answers, not an object that can be created. ` +
      `Declare the items as resources of their own (${kind.slice(0, -"List".length)}); ` +
      "kubernetes.yaml.ConfigFile takes lists apart by itself."
    );
  }
  return undefined;
}

function isBuiltIn(apiVersion: string): boolean {
  const group = groupOf(apiVersion);
  return !group.includes(".") || group.endsWith(".k8s.io");
}
