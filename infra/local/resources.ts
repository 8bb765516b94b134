import * as pulumi from "@pulumi/pulumi";

import type { ClusterSpec } from "./runtime/spec";

/** Served by this project's own plugin (`plugins.providers` in Pulumi.yaml; source in provider/). */
export interface ClusterResourceArgs extends Omit<ClusterSpec, "name"> {
  readonly clusterName: string;
}

/** A cluster on this machine: its processes, network and files. */
export class ClusterResource extends pulumi.CustomResource {
  declare readonly clusterName: pulumi.Output<string>;
  /** Of the cluster's data: kept by a revival, another one after a replacement. */
  declare readonly uid: pulumi.Output<string>;
  /** Full version of the control plane. */
  declare readonly version: pulumi.Output<string>;
  /** URL of the API server. */
  declare readonly server: pulumi.Output<string>;
  /** Of the administrator; secret. */
  declare readonly kubeconfig: pulumi.Output<string>;
  declare readonly servesTraffic: pulumi.Output<boolean>;
  declare readonly nodeNames: pulumi.Output<string[]>;
  /** Why nodes are simulated; empty where one is real. */
  declare readonly reasons: pulumi.Output<string[]>;
  declare readonly coreDnsImage: pulumi.Output<string>;

  constructor(name: string, args: ClusterResourceArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      uid: undefined,
      version: undefined,
      server: undefined,
      kubeconfig: undefined,
      servesTraffic: undefined,
      nodeNames: undefined,
      reasons: undefined,
      coreDnsImage: undefined,
      status: undefined,
    };
    super(
      "drydock:local:Cluster",
      name,
      { ...args, ...outputs },
      {
        additionalSecretOutputs: ["kubeconfig"],
        ...opts,
      },
    );
  }
}

export interface ImageResourceArgs {
  readonly clusterName: pulumi.Input<string>;
  /** An ImageRecipe as JSON. */
  readonly recipe: string;
  /** Hash over the files that the recipe names. */
  readonly sourceHash: string;
}

/** An image built on this machine and brought into the cluster's node. */
export class ImageResource extends pulumi.CustomResource {
  /** `name@sha256:…`. */
  declare readonly reference: pulumi.Output<string>;

  constructor(name: string, args: ImageResourceArgs, opts?: pulumi.CustomResourceOptions) {
    super("drydock:local:Image", name, { ...args, reference: undefined, base: undefined }, opts);
  }
}
