import * as pulumi from "@pulumi/pulumi";

import type { Config } from "../../config/schema";
import { WorkloadNamespace } from "./namespace";

export interface PlatformArgs {
  /** Quotas by the name of their namespace. */
  readonly namespaces: Config["platform"]["namespaces"];
}

/** What every cluster gets, whatever its kind: namespaces that are closed until an app opens them. */
export class Platform extends pulumi.ComponentResource {
  /** By name. A workload depends on its namespace, so that no pod starts before the rules are there. */
  readonly namespaces: Readonly<Record<string, WorkloadNamespace>>;

  constructor(name: string, args: PlatformArgs, opts?: pulumi.ComponentResourceOptions) {
    super("drydock:infra:Platform", name, {}, opts);
    const namespaces = Object.entries(args.namespaces).map(([namespace, { quota }]) => [
      namespace,
      new WorkloadNamespace(`${name}-${namespace}`, { namespace, quota }, { parent: this }),
    ]);
    this.namespaces = Object.fromEntries(namespaces) as Record<string, WorkloadNamespace>;
    this.registerOutputs({ namespaces: Object.keys(this.namespaces) });
  }

  /** @throws Error where the configuration names no such namespace; config/ refuses that earlier */
  namespace(name: string): WorkloadNamespace {
    const namespace = this.namespaces[name];
    if (namespace === undefined) throw new Error(`There is no namespace ${name} on the platform.`);
    return namespace;
  }
}
