import * as sdk from "@pulumi/policy";
import type { PolicyResource, ResourceValidationArgs } from "@pulumi/policy";

import { type Data, type DataMap, UNKNOWN } from "./field";
import type { ResourceFacts } from "./resource";

// Exported since 1.21, and missing from its declarations.
const { UnknownValueError } = sdk as unknown as { UnknownValueError: new () => Error };

/** What a state file shows in the place of a secret of any type. */
const HIDDEN = "[secret]";

/** A resource before its step, from what the SDK gives a rule. */
export function factsOf(args: ResourceValidationArgs): ResourceFacts {
  const { urn, type, name, opts, props, provider } = args;
  return {
    urn,
    type,
    name,
    protect: opts.protect,
    ignoreChanges: opts.ignoreChanges,
    inputs: dataMap(props),
    provider: provider === undefined ? undefined : dataMap(provider.props),
    dependencies: [],
    propertyDependencies: {},
  };
}

/** A resource after the last step: what is known of it already, and what it depends on. */
export function stackFacts(resource: PolicyResource, known?: ResourceFacts): ResourceFacts {
  const { urn, type, name, opts, dependencies, propertyDependencies } = resource;
  const sources = Object.entries(propertyDependencies).map(
    ([property, of]) => [property, of.map((one) => one.urn)] as const,
  );
  return {
    urn,
    type,
    name,
    protect: opts.protect,
    ignoreChanges: opts.ignoreChanges,
    inputs: known?.inputs ?? dataMap(resource.props),
    provider: known?.provider,
    dependencies: dependencies.map((one) => one.urn),
    propertyDependencies: Object.fromEntries(sources),
  };
}

function dataMap(props: object): DataMap {
  const entries = Object.keys(props).map((key) => [key, read(props, key)] as const);
  return Object.fromEntries(entries);
}

/** The SDK's proxy throws at an unknown; the neighbours of it are still to be read. */
function read(place: object, key: string | number): Data {
  let value: unknown;
  try {
    value = (place as Record<string | number, unknown>)[key];
  } catch (error) {
    if (error instanceof UnknownValueError) return UNKNOWN;
    throw error;
  }
  if (value === HIDDEN) return UNKNOWN;
  if (Array.isArray(value)) {
    const list: readonly unknown[] = value;
    return Array.from({ length: list.length }, (_, index) => read(list, index));
  }
  if (typeof value === "object" && value !== null) return dataMap(value);
  return (value ?? null) as Data;
}
