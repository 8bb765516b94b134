import type * as resource from "@pulumi/pulumi/proto/resource_pb";

import {
  fromStruct,
  isMap,
  type PropertyMap,
  type PropertyValue,
  Secret,
  Unknown,
} from "../../toolchain/plugin/values";

/** What a program asked the engine for, in the words of a reviewer. URNs are those of the engine. */
export interface RecordedResource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  /** A component that its package's plugin makes; absent for those of the program itself. */
  readonly remote?: true;
  /** URN; empty for the stack itself. */
  readonly parent: string;
  /** URN of an explicit provider; empty for a default provider, and for components. */
  readonly provider: string;
  /** URNs, sorted: what the program asked for, and what inputs refer to. */
  readonly dependencies: readonly string[];
  /** URNs that an input's value comes from, by the input's name. */
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  readonly options: ResourceOptions;
  readonly inputs: PropertyMap;
  /** What a component registered at its end; undefined for custom resources and forgotten calls. */
  outputs?: PropertyMap;
}

/** Only what was set. Timeouts are Go durations. */
export interface ResourceOptions {
  readonly protect?: boolean;
  readonly retainOnDelete?: boolean;
  readonly deleteBeforeReplace?: boolean;
  readonly ignoreChanges?: readonly string[];
  readonly replaceOnChanges?: readonly string[];
  readonly additionalSecretOutputs?: readonly string[];
  readonly aliases?: readonly string[];
  /** URNs of the providers that a remote component's children get, by package. */
  readonly providers?: Readonly<Record<string, string>>;
  /** How many functions the engine applies to the resource and its children. */
  readonly transforms?: number;
  readonly importId?: string;
  /** URN of the resource whose deletion takes this one along. */
  readonly deletedWith?: string;
  readonly timeouts?: { readonly create: string; readonly update: string; readonly delete: string };
}

export function recordedResource(
  urn: string,
  request: resource.RegisterResourceRequest,
): RecordedResource {
  return {
    urn,
    type: request.getType(),
    name: request.getName(),
    custom: request.getCustom(),
    ...(request.getRemote() ? { remote: true as const } : {}),
    parent: request.getParent(),
    // A reference is `<urn>::<id>`.
    provider: urnOf(request.getProvider()),
    dependencies: [...new Set(request.getDependenciesList())].sort(),
    propertyDependencies: propertyDependencies(request),
    options: recordedOptions(request),
    inputs: fromStruct(request.getObject()),
  };
}

function urnOf(reference: string): string {
  return reference.split("::").slice(0, 4).join("::");
}

function propertyDependencies(
  request: resource.RegisterResourceRequest,
): Record<string, readonly string[]> {
  const sources: Record<string, readonly string[]> = {};
  request.getPropertydependenciesMap().forEach((urns, property) => {
    const list = [...new Set(urns.getUrnsList())].sort();
    if (list.length > 0) sources[property] = list;
  });
  return sources;
}

function recordedOptions(request: resource.RegisterResourceRequest): ResourceOptions {
  const timeouts = request.getCustomtimeouts()?.toObject();
  const aliases = [
    ...request.getAliasurnsList(),
    ...request.getAliasesList().map((alias) => JSON.stringify(alias.toObject())),
  ];
  const options = {
    protect: request.getProtect(),
    retainOnDelete: request.getRetainondelete(),
    deleteBeforeReplace: request.getDeletebeforereplace(),
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    aliases,
    providers: providersOf(request),
    transforms: request.getTransformsList().length,
    importId: request.getImportid(),
    deletedWith: request.getDeletedwith(),
    timeouts:
      timeouts === undefined || Object.values(timeouts).every((text) => text === "")
        ? undefined
        : { create: timeouts.create, update: timeouts.update, delete: timeouts.pb_delete },
  };
  const isSet = (value: unknown) => (Array.isArray(value) ? value.length > 0 : Boolean(value));
  return Object.fromEntries(Object.entries(options).filter(([, value]) => isSet(value)));
}

function providersOf(request: resource.RegisterResourceRequest) {
  if (!request.getRemote()) return undefined;
  const entries: [string, string][] = request.getProvidersMap().toObject(false, String);
  return Object.fromEntries(entries.map(([name, reference]) => [name, urnOf(reference)]));
}

/** Paths, such as `.spec.ports.0`, of what is not known yet. */
export function unknownPaths(value: PropertyValue, path = ""): string[] {
  if (value instanceof Unknown) return [path];
  if (value instanceof Secret) return unknownPaths(value.value, path);
  if (!Array.isArray(value) && !isMap(value)) return [];
  return Object.entries(value).flatMap(([key, child]) => unknownPaths(child, `${path}.${key}`));
}

/** A text, or a mark in the place of what is none, or not known yet. */
export function textOf(value: PropertyValue | undefined): string {
  return typeof value === "string" ? value : "[no text]";
}

/** A value as plain data, with secrets and unknowns told apart from all else; for comparisons. */
export function plain(value: PropertyValue): unknown {
  if (value instanceof Secret) return { "[secret]": plain(value.value) };
  if (value instanceof Unknown) return "[unknown]";
  if (Array.isArray(value)) return value.map(plain);
  if (!isMap(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, child]) => [key, plain(child)]));
}
