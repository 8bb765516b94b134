import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { RunError } from "@pulumi/pulumi/errors";

import { ask } from "../ask";
import type { Capabilities, Cluster, ImageSource } from "../cluster";
import { checkGrants, type IdentityArgs, withoutIdentity } from "../identity";
import { hashRecipeInputs } from "../images/hash";
import { hostArchitecture } from "../images/oci";
import type { Detection, ExistingClusterArgs as Meant } from "./detection";
import { PublishedImage } from "../published-image";
import { ClusterResource } from "./resources";

export interface ExistingClusterArgs extends Meant {
  /** Host and optional path that images are pushed to. Default: none, and no image can be built. */
  readonly registry?: string | undefined;
}

/** A Kubernetes cluster that somebody else made, reached by a context of a kubeconfig. */
export class ExistingCluster extends pulumi.ComponentResource implements Cluster {
  readonly kind = "existing";
  readonly name: pulumi.Output<string>;
  readonly kubeconfig: pulumi.Output<string>;
  readonly provider: k8s.Provider;
  readonly options: pulumi.ComponentResourceOptions;
  readonly servesTraffic: pulumi.Output<boolean>;
  readonly capabilities: Capabilities;

  private readonly registry: string | undefined;
  private readonly architectures: readonly string[];

  /**
   * Finds out what the cluster offers, and says so.
   * @throws RunError where it cannot be used: what, where, why and the fix
   */
  static async connect(name: string, args: ExistingClusterArgs): Promise<ExistingCluster> {
    const { kubeconfig, context, identity } = args;
    const detection = await ask<Detection>("drydock:existing:detect", {
      kubeconfig,
      context,
      identity,
    });
    const cluster = new ExistingCluster(name, args, detection);
    await pulumi.log.info(detection.summary, cluster);
    return cluster;
  }

  private constructor(name: string, args: ExistingClusterArgs, detection: Detection) {
    super("drydock:infra:ExistingCluster", name);
    const { uid, context, server, version, kubeconfig, servesTraffic } = detection;
    const { identity, registry } = args;
    const cluster = new ClusterResource(
      `${name}-existing`,
      { uid, context, server, version, identity },
      { parent: this },
    );
    this.name = cluster.context;
    this.kubeconfig = pulumi.secret(kubeconfig);
    this.servesTraffic = pulumi.output(servesTraffic);
    this.capabilities = detection.capabilities;
    this.registry = registry;
    this.architectures = detection.architectures;
    this.provider = new k8s.Provider(
      `${name}-kubernetes`,
      // By the cluster's own identity: new credentials or another address are no other cluster.
      { kubeconfig: this.kubeconfig, clusterIdentifier: cluster.uid },
      { parent: this },
    );
    this.options = { provider: this.provider };
    this.registerOutputs({
      name: this.name,
      kubeconfig: this.kubeconfig,
      servesTraffic: this.servesTraffic,
    });
  }

  /** Builds the image on this machine and pushes it to the registry that the nodes pull from. */
  image(name: string, source: ImageSource): pulumi.Output<string> {
    if (this.registry === undefined) {
      throw new Error(`The image ${source.name} has no registry; config/ refuses that earlier.`);
    }
    const built = hostArchitecture();
    if (this.architectures.length > 0 && !this.architectures.includes(built)) {
      throw new RunError(
        `the image ${source.name} would not run on any node\n` +
          `  why: this machine builds for ${built}, the nodes are ${this.architectures.join(", ")}\n` +
          "  fix: set drydock:apps.<app>.image to an image for their architecture, or deploy from such a machine",
      );
    }
    const { reference } = new PublishedImage(
      `${name}-image`,
      {
        registry: this.registry,
        recipe: JSON.stringify(source),
        sourceHash: hashRecipeInputs(source),
      },
      { parent: this },
    );
    return reference;
  }

  /** The account is somebody else's, and so are its roles: where pods can have one, it says which. */
  identity(workload: string, args: IdentityArgs): pulumi.Resource[] {
    const { namespace, serviceAccount, grants } = args;
    checkGrants(workload, grants);
    if (this.capabilities.podIdentity === undefined) return withoutIdentity(workload, args, this);
    const rights = grants.map(
      ({ actions, resources }) => `${actions.join(", ")} on ${resources.join(", ")}`,
    );
    void pulumi.log.warn(
      `${workload} acts in the cloud once somebody binds a role to its pods: this cluster's account is not managed here.\n` +
        `  role: trusted by pods.eks.amazonaws.com, may ${rights.join("; ")}\n` +
        `  bind: aws eks create-pod-identity-association --namespace ${namespace} --service-account ${serviceAccount} --cluster-name <name> --role-arn <role>`,
      this,
    );
    return [];
  }
}
