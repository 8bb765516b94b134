import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { Config } from "../config/schema";
import type { IdentityArgs, PodIdentityCapability } from "./identity";
import type { ImageRecipe } from "./images/recipe";

export type { AddressRange, Arn, CloudAction, Grant } from "./identity";

/** All that a workload may know about its cluster. Nothing else crosses from infra/ to apps/. */
export interface Cluster {
  readonly kind: "local" | "eks" | "existing";
  readonly name: pulumi.Output<string>;
  /** Secret: it holds the credentials of an administrator. */
  readonly kubeconfig: pulumi.Output<string>;
  /** The only provider of Kubernetes objects; an ambient kubeconfig is never used. */
  readonly provider: k8s.Provider;
  /** Options of every component put on the cluster: the provider, and how its objects go with it. */
  readonly options: pulumi.ComponentResourceOptions;
  readonly capabilities: Capabilities;
  /** False where every node is simulated: pods are scheduled, and no process runs. */
  readonly servesTraffic: pulumi.Output<boolean>;
  /**
   * Builds an image and publishes it where this cluster's nodes can pull it.
   * @param name name of the resource, unique in the stack
   * @returns the image's reference, pinned by digest
   */
  image(name: string, source: ImageSource): pulumi.Output<string>;
  /**
   * Lets the pods of one service account act at the cloud's provider, and no other.
   * @param workload name of the workload, unique in the stack
   * @returns what must be there before such a pod starts
   * @throws RunError where a right is too wide, or where pods get no identity and the workload needs one
   */
  identity(workload: string, args: IdentityArgs): pulumi.Resource[];
}

/** An image as data, built without a container daemon. */
export type ImageSource = ImageRecipe;

/**
 * What a cluster offers, as plain values: an Output here would push the creation of workloads into
 * apply(), where neither a preview nor a test sees them.
 */
export interface Capabilities {
  /** How a Service of type LoadBalancer gets its address; undefined: it never would. */
  readonly loadBalancer: LoadBalancerCapability | undefined;
  /** How an Ingress finds its controller; undefined: there is none. */
  readonly ingress: IngressCapability | undefined;
  /** StorageClass of volumes made on demand; undefined: there are none. */
  readonly storageClass: string | undefined;
  /** Whether a NetworkPolicy is enforced. Where not, it is stored and changes nothing. */
  readonly networkPolicy: boolean;
  /** How a pod takes on a cloud identity through its service account; undefined: it cannot. */
  readonly podIdentity: PodIdentityCapability | undefined;
  /** Whether a volume can hold entries of AWS Secrets Manager. */
  readonly externalSecrets: boolean;
  /** The zones that nodes for workloads are spread over, sorted; empty where there is one place only. */
  readonly zones: readonly string[];
}

/** What a Service must carry so that this cluster's load-balancer controller takes it up. */
export interface LoadBalancerCapability {
  readonly annotations: Readonly<Record<string, string>>;
  /** `spec.loadBalancerClass`; immutable, so that a change replaces the Service and its address. */
  readonly className?: string;
}

/**
 * What an Ingress must carry so that this cluster's controller takes it up. Where it answers then stands in
 * its `status.loadBalancer.ingress`, with every controller.
 */
export interface IngressCapability {
  readonly className: string;
  readonly annotations: Readonly<Record<string, string>>;
  /**
   * Annotation that names the path by which the controller asks pods whether they are well; undefined:
   * it goes by their readiness.
   */
  readonly healthPathAnnotation?: string;
  /** Whether the controller has a certificate for each host by itself, so that it is asked for TLS always. */
  readonly tls: boolean;
  /** Where its requests come from, which pods must admit; undefined: nobody knows, and they admit all. */
  readonly sources?: readonly NetworkPolicyPeer[];
}

type NetworkPolicyPeer = k8s.types.input.networking.v1.NetworkPolicyPeer;

/**
 * Makes the variant that `config.kind` names. A new kind does not compile until it has a case. Each is
 * loaded when it is the one: no stack pays for the libraries of another kind.
 */
export async function createCluster(name: string, config: Config["cluster"]): Promise<Cluster> {
  switch (config.kind) {
    case "local": {
      const { LocalCluster } = await import("./local/index.js");
      return LocalCluster.create(name, {
        clusterName: config.name,
        kubernetesVersion: config.kubernetesVersion,
        nodes: config.nodes,
        engine: config.engine,
        loadBalancerAddress: config.loadBalancerAddress,
        storage: config.storage,
        metrics: config.metrics,
        ingress: config.ingress,
      });
    }
    case "eks": {
      const { EksCluster } = await import("./eks/index.js");
      return new EksCluster(name, config);
    }
    case "existing": {
      const { ExistingCluster } = await import("./existing/index.js");
      return ExistingCluster.connect(name, config);
    }
  }
}
