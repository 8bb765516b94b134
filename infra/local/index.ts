import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { ask } from "../ask";
import type { Capabilities, Cluster, ImageSource } from "../cluster";
import { hashRecipeInputs } from "../images/hash";
import { type ChosenEngine, localCapabilities } from "./capabilities";
import { CoreDns } from "./coredns";
import { ClusterResource, ImageResource } from "./resources";
import type { ClusterSpec, LocalEngine } from "./runtime/spec";

export interface LocalClusterArgs extends Omit<ClusterSpec, "name" | "engine"> {
  /** Name on this machine: of the network namespace or the container, and of the nodes. */
  readonly clusterName: string;
  /** What it runs in. `auto`: by what the machine permits. */
  readonly engine: "auto" | LocalEngine;
}

/**
 * A Kubernetes cluster on this machine, in a network namespace of its own or in a container. One node
 * is real where the machine permits either; where not, nodes are simulated and the preview says so.
 */
export class LocalCluster extends pulumi.ComponentResource implements Cluster {
  readonly kind = "local";
  readonly name: pulumi.Output<string>;
  readonly kubeconfig: pulumi.Output<string>;
  readonly provider: k8s.Provider;
  readonly options: pulumi.ComponentResourceOptions;
  readonly servesTraffic: pulumi.Output<boolean>;
  readonly capabilities: Capabilities;

  private readonly cluster: ClusterResource;

  /** @throws RunError where what `engine` demands cannot be had on this machine */
  static async create(name: string, args: LocalClusterArgs): Promise<LocalCluster> {
    const chosen = await ask<ChosenEngine>("drydock:local:chooseEngine", { ...args });
    return new LocalCluster(name, args, chosen);
  }

  private constructor(name: string, args: LocalClusterArgs, chosen: ChosenEngine) {
    super("drydock:infra:LocalCluster", name);
    const { engine } = chosen;
    this.cluster = new ClusterResource(`${name}-local`, { ...args, engine }, { parent: this });
    this.capabilities = localCapabilities(chosen);
    this.name = this.cluster.clusterName;
    this.kubeconfig = this.cluster.kubeconfig;
    this.servesTraffic = this.cluster.servesTraffic;
    this.provider = new k8s.Provider(
      `${name}-kubernetes`,
      {
        kubeconfig: this.kubeconfig,
        // Another cluster, even of the same name, holds none of these objects; another address does.
        clusterIdentifier: this.cluster.uid,
        // A cluster that is down is revived with its objects: a refresh must not forget them.
        skipUpdateUnreachable: true,
      },
      { parent: this },
    );
    this.options = {
      provider: this.provider,
      transformations: [goesWith(this.cluster)],
    };
    // kind brings a name server of its own.
    if (engine === "native") {
      new CoreDns(
        `${name}-coredns`,
        { image: this.cluster.coreDnsImage },
        { ...this.options, parent: this },
      );
    }
    this.registerOutputs({
      name: this.name,
      kubeconfig: this.kubeconfig,
      servesTraffic: this.servesTraffic,
    });
  }

  /** Builds the image on this machine and brings it into the node, without a registry. */
  image(name: string, source: ImageSource): pulumi.Output<string> {
    const { reference } = new ImageResource(
      `${name}-image`,
      {
        clusterName: this.name,
        recipe: JSON.stringify(source),
        sourceHash: hashRecipeInputs(source),
      },
      // The node must run before it can take an image.
      { parent: this, dependsOn: [this.cluster] },
    );
    return reference;
  }
}

/** Objects go with the cluster that holds them: none is deleted one by one before it. */
function goesWith(cluster: pulumi.Resource): pulumi.ResourceTransformation {
  return ({ type, props, opts }) =>
    type.startsWith("kubernetes:") ? { props, opts: { ...opts, deletedWith: cluster } } : undefined;
}
