import * as sdk from "@pulumi/policy";
import type {
  ReportViolation,
  ResourceValidationArgs,
  ResourceValidationPolicy,
  StackValidationArgs,
  StackValidationPolicy,
} from "@pulumi/policy";

import { policies } from "../../../policy/pack";

// Exported since 1.21, and missing from its declarations.
const { unknownCheckingProxy } = sdk as unknown as {
  unknownCheckingProxy: (props: object) => Record<string, unknown>;
};

/** What the engine sends in the place of a text that is not known yet. */
export const UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export type Inputs = Readonly<Record<string, unknown>>;

/** A resource as the engine knows it when it asks a pack. */
export interface Asked {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly inputs: Inputs;
  readonly protect?: boolean;
  readonly ignoreChanges?: readonly string[];
  readonly provider?: Inputs;
  readonly dependencies?: readonly string[];
  readonly propertyDependencies?: Readonly<Record<string, readonly string[]>>;
}

export interface Reported {
  readonly rule: string;
  readonly level: string;
  readonly message: string;
  readonly urn: string;
}

export interface PackOptions {
  /** By rule, as a configuration file has it. */
  readonly config?: Readonly<Record<string, Inputs>>;
  /** Ids of the policies to ask; default: all. */
  readonly only?: readonly string[];
  /** Default: 2026-12-01. */
  readonly today?: string;
  /** Outputs in the place of the inputs for rules over the stack; default: empty, as a preview has them. */
  readonly outputs?: (resource: Asked) => Inputs;
}

/**
 * Asks the pack as the engine does: the rules of a resource for each resource, then those of the stack, each
 * with properties through the SDK's own proxy.
 */
export function askPack(resources: readonly Asked[], options: PackOptions = {}): Reported[] {
  const { config = {}, today = "2026-12-01", outputs = () => ({}) } = options;
  const pack = policies(() => today).filter(({ name }) => options.only?.includes(name) ?? true);
  const reported: Reported[] = [];
  const common = (policy: { name: string }) => ({
    stackTags: new Map<string, string>(),
    getConfig: () => config[policy.name] ?? {},
    notApplicable: () => {
      throw new Error("not applicable");
    },
  });
  const reporter =
    (policy: { name: string; enforcementLevel?: string }, own: string): ReportViolation =>
    (message, urn = own) => {
      reported.push({
        rule: policy.name,
        level: policy.enforcementLevel ?? "",
        message,
        urn,
      });
    };
  for (const one of resources) {
    for (const policy of pack.filter(isResourcePolicy)) {
      const args = { ...common(policy), ...resourceOf(one, one.inputs) };
      void policy.validateResource(
        args as unknown as ResourceValidationArgs,
        reporter(policy, one.urn),
      );
    }
  }
  const seen = new Map(resources.map((one) => [one.urn, resourceOf(one, outputs(one))]));
  const find = (urns: readonly string[]) => urns.flatMap((urn) => seen.get(urn) ?? []);
  for (const one of resources) {
    Object.assign(seen.get(one.urn) ?? {}, {
      dependencies: find(one.dependencies ?? []),
      propertyDependencies: Object.fromEntries(
        Object.entries(one.propertyDependencies ?? {}).map(([key, urns]) => [key, find(urns)]),
      ),
    });
  }
  for (const policy of pack.filter(isStackPolicy)) {
    const args = { ...common(policy), resources: [...seen.values()] };
    void policy.validateStack(args as unknown as StackValidationArgs, reporter(policy, ""));
  }
  return reported;
}

function resourceOf({ urn, type, name, protect, ignoreChanges, provider }: Asked, props: Inputs) {
  return {
    urn,
    type,
    name,
    props: unknownCheckingProxy(structuredClone(props)),
    opts: { protect: protect ?? false, ignoreChanges: [...(ignoreChanges ?? [])], aliases: [] },
    ...(provider && { provider: { props: unknownCheckingProxy(structuredClone(provider)) } }),
  };
}

type ResourcePolicy = ResourceValidationPolicy & {
  validateResource: (args: ResourceValidationArgs, report: ReportViolation) => unknown;
};

function isResourcePolicy(policy: object): policy is ResourcePolicy {
  return "validateResource" in policy;
}

function isStackPolicy(policy: object): policy is StackValidationPolicy {
  return "validateStack" in policy;
}
