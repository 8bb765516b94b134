import * as pulumi from "@pulumi/pulumi";

export interface ClusterResourceArgs {
  /** UID of the namespace kube-system. Another one is refused unless `identity` names it. */
  readonly uid: string;
  readonly context: string;
  /** URL of the API server. */
  readonly server: string;
  /** Of the API server. */
  readonly version: string;
  readonly identity?: string | undefined;
}

/** Binds a stack to one cluster. Served by this project's own plugin; makes and removes nothing. */
export class ClusterResource extends pulumi.CustomResource {
  declare readonly uid: pulumi.Output<string>;
  declare readonly context: pulumi.Output<string>;

  constructor(name: string, args: ClusterResourceArgs, opts?: pulumi.CustomResourceOptions) {
    super("drydock:existing:Cluster", name, { ...args }, opts);
  }
}
