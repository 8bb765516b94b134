import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { LocalAutoscaling } from "../../config/local-autoscaling";
import { ask } from "../ask";
import type { Capabilities, Cluster, ImageSource } from "../cluster";
import { checkGrants, type IdentityArgs, withoutIdentity } from "../identity";
import { hashRecipeInputs } from "../images/hash";
import { addOnRecipes } from "../images/system";
import { type ChosenEngine, localCapabilities } from "./capabilities";
import { CoreDns } from "./coredns";
import { IngressController, ingressCapability } from "./ingress";
import { MetricsServer } from "./metrics-server";
import { NodeAutoscaling } from "./node-autoscaling";
import { ClusterResource, type ClusterResourceArgs, ImageResource } from "./resources";
import { type ClusterSpec, type LocalEngine, realNodeName } from "./runtime/spec";
import { Storage } from "./storage";

export interface LocalClusterArgs extends Omit<ClusterSpec, "name" | "engine" | "nodes"> {
  /** Name on this machine: of the network namespace or the container, and of the nodes. */
  readonly clusterName: string;
  readonly nodes: Omit<ClusterSpec["nodes"], "autoscaling"> & {
    /** Who adds nodes when pods do not fit. */
    readonly autoscaling: LocalAutoscaling;
  };
  /** What it runs in. `auto`: by what the machine permits. */
  readonly engine: "auto" | LocalEngine;
  readonly storage: {
    /** What becomes of a volume whose claim is deleted. */
    readonly reclaimPolicy: "Retain" | "Delete";
  };
  /** Whether CPU and memory of pods are measured, for autoscalers and `kubectl top`. */
  readonly metrics: boolean;
  /** The entrance for all apps by their names; `port` is where it answers. Default: none. */
  readonly ingress?: { readonly port: number } | undefined;
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

  private readonly cluster: ClusterResource;

  /** @throws RunError where what `engine` demands cannot be had on this machine */
  static async create(name: string, args: LocalClusterArgs): Promise<LocalCluster> {
    const { clusterName, kubernetesVersion, engine, loadBalancerAddress } = args;
    const nodes = nodesOf(args);
    const spec = { clusterName, kubernetesVersion, nodes, engine, loadBalancerAddress };
    const chosen = await ask<ChosenEngine>("drydock:local:chooseEngine", { ...spec });
    const isNative = chosen.engine === "native";
    const ingress = isNative && chosen.realNode ? args.ingress : undefined;
    const capabilities = localCapabilities(chosen, ingress && ingressCapability);
    const cluster = new LocalCluster(name, { ...spec, engine: chosen.engine }, capabilities);
    // kind brings a name server and storage of its own.
    if (isNative) cluster.addOns(name, { ...args, ingress }, chosen);
    return cluster;
  }

  private constructor(
    name: string,
    args: ClusterResourceArgs,
    readonly capabilities: Capabilities,
  ) {
    super("drydock:infra:LocalCluster", name);
    this.cluster = new ClusterResource(`${name}-local`, args, { parent: this });
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
    this.registerOutputs({
      name: this.name,
      kubeconfig: this.kubeconfig,
      servesTraffic: this.servesTraffic,
    });
  }

  /** What an application takes for granted; it comes up beside the applications. */
  private addOns(name: string, args: LocalClusterArgs, { realNode }: ChosenEngine): void {
    const within = { ...this.options, parent: this };
    new CoreDns(`${name}-coredns`, { image: this.cluster.coreDnsImage }, within);
    const { autoscaling } = args.nodes;
    if (autoscaling.kind === "karpenter") {
      const pool = { ...autoscaling, nodes: args.nodes, realNode };
      // Its kinds come with the cluster, which the provider waits for.
      new NodeAutoscaling(`${name}-autoscaling`, pool, within);
    }
    if (!realNode) return;
    const { reclaimPolicy } = args.storage;
    const image = this.image(`${name}-storage`, addOnRecipes.storage());
    const nodeName = realNodeName(args.clusterName);
    new Storage(`${name}-storage`, { image, nodeName, reclaimPolicy }, within);
    if (args.metrics) {
      const metrics = this.image(`${name}-metrics`, addOnRecipes.metrics());
      new MetricsServer(`${name}-metrics`, { image: metrics }, within);
    }
    if (args.ingress) {
      const controller = this.image(`${name}-ingress`, addOnRecipes.ingress());
      const { port } = args.ingress;
      new IngressController(`${name}-ingress`, { image: controller, port }, within);
    }
  }

  /** Builds the image on this machine and pushes it to the cluster's own registry. */
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

  /** There is no cloud here. */
  identity(workload: string, args: IdentityArgs): pulumi.Resource[] {
    checkGrants(workload, args.grants);
    return withoutIdentity(workload, args, this);
  }
}

/** What the cluster itself must know: how far Karpenter may go is its pool's. */
function nodesOf({ nodes: { autoscaling, ...nodes } }: LocalClusterArgs): ClusterSpec["nodes"] {
  return autoscaling.kind === "karpenter" ? { ...nodes, autoscaling: true } : nodes;
}

/** Objects go with the cluster that holds them: none is deleted one by one before it. */
function goesWith(cluster: pulumi.Resource): pulumi.ResourceTransformation {
  return ({ type, props, opts }) =>
    type.startsWith("kubernetes:") ? { props, opts: { ...opts, deletedWith: cluster } } : undefined;
}
