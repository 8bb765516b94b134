import type * as aws from "@pulumi/aws";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { Capabilities, Cluster, ImageSource } from "../cluster";
import { checkGrants, EKS_POD_IDENTITY, type IdentityArgs } from "../identity";
import { hashRecipeInputs } from "../images/hash";
import { PublishedImage } from "../published-image";
import { Access } from "./access";
import { awsProvider } from "./aws-provider";
import { clusterRole } from "./cluster-role";
import { compute } from "./compute";
import { ControlPlane } from "./control-plane";
import { controllers } from "./controllers";
import { encryptionKeys, type Keys } from "./keys";
import { ingressCapability } from "./ingress";
import { loadBalancerCapability } from "./load-balancer";
import { Network } from "./network";
import { nodeRole } from "./node-role";
import { type EksConfig, type Place, placeOf } from "./place";
import { podIdentity, statementOf } from "./pod-identity";
import { registryHost, Repository } from "./repository";
import { Role } from "./role";
import { STORAGE_CLASS } from "./storage";

/**
 * A Kubernetes cluster on Amazon EKS. Each part is made after those that it needs, and goes before them:
 * keys, network -> control plane, access -> daemons -> nodes -> add-ons -> controllers -> workloads.
 */
export class EksCluster extends pulumi.ComponentResource implements Cluster {
  readonly kind = "eks";
  readonly name: pulumi.Output<string>;
  readonly kubeconfig: pulumi.Output<string>;
  readonly provider: k8s.Provider;
  readonly options: pulumi.ComponentResourceOptions;
  readonly servesTraffic = pulumi.output(true);
  readonly capabilities: Capabilities;

  private readonly place: Place;
  private readonly keys: Keys;
  private readonly onAws: pulumi.ComponentResourceOptions;

  constructor(
    label: string,
    private readonly config: EksConfig,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("drydock:infra:EksCluster", label, {}, opts);
    const place = placeOf(config);
    const autoMode = config.autoscaling.kind === "autoMode";
    const provider = awsProvider(`${label}-aws`, config, this);
    const onAws = { parent: this, provider };

    const keys = encryptionKeys(label, { place, ...config.encryption }, onAws);
    const network = this.network(label, keys, onAws, place);
    const role = new Role(`${label}-node-role`, nodeRole(place, { autoMode }), onAws);
    const controlPlane = this.controlPlane(label, { place, keys, network, role, provider });
    const access = new Access(
      `${label}-access`,
      {
        place,
        clusterName: controlPlane.clusterName,
        deployerRoleArn: config.deployerRoleArn,
        entries: config.access,
      },
      onAws,
    );
    const parts = { place, config, keys, network, nodeRole: role, controlPlane };
    const nodes = compute(label, parts, onAws);

    this.provider = new k8s.Provider(
      `${label}-kubernetes`,
      { kubeconfig: controlPlane.kubeconfig, clusterIdentifier: controlPlane.clusterArn },
      // Each object waits for what carries it, and is gone before that goes.
      { parent: this, dependsOn: [access, ...nodes] },
    );
    this.options = {
      provider: this.provider,
      dependsOn: controllers(label, parts, { parent: this, providers: [provider, this.provider] }),
    };
    this.place = place;
    this.keys = keys;
    this.onAws = onAws;
    this.name = controlPlane.clusterName;
    this.kubeconfig = controlPlane.kubeconfig;
    this.capabilities = {
      loadBalancer: loadBalancerCapability(config.loadBalancer, { autoMode }),
      ingress: ingressCapability(config),
      storageClass: STORAGE_CLASS,
      networkPolicy: true,
      podIdentity: EKS_POD_IDENTITY,
      externalSecrets: config.secrets.externalStore,
      zones: network.zones,
    };
    this.registerOutputs({
      name: this.name,
      kubeconfig: this.kubeconfig,
      servesTraffic: this.servesTraffic,
    });
  }

  /** Builds the image where Pulumi runs, and pushes it into a repository of its own in ECR. */
  image(name: string, source: ImageSource): pulumi.Output<string> {
    const { place } = this;
    const repository = new Repository(
      `${name}-repository`,
      {
        place,
        repositoryName: source.name,
        keyArn: this.keys.data.arn,
        keepImages: this.config.registry.keepImages,
      },
      this.onAws,
    );
    const { reference } = new PublishedImage(
      `${name}-image`,
      {
        registry: registryHost(place),
        recipe: JSON.stringify(source),
        sourceHash: hashRecipeInputs(source),
      },
      { parent: this, dependsOn: [repository] },
    );
    return reference;
  }

  /** A role of the account that the pods of this service account take on. */
  identity(
    workload: string,
    { namespace, serviceAccount, grants }: IdentityArgs,
  ): pulumi.Resource[] {
    checkGrants(workload, grants);
    const { place, name: clusterName } = this;
    const description = `The workload ${workload} of ${place.clusterName}`;
    const statements = grants.map(statementOf);
    const args = { place, clusterName, namespace, serviceAccount, description, statements };
    return [podIdentity(workload, args, this.onAws)];
  }

  private network(
    label: string,
    keys: Keys,
    onAws: pulumi.ComponentResourceOptions,
    place: Place,
  ): Network {
    const { network, api } = this.config;
    return new Network(
      `${label}-network`,
      { place, network, logKeyArn: keys.secrets.arn, logRetentionDays: api.logRetentionDays },
      onAws,
    );
  }

  private controlPlane(
    label: string,
    made: {
      readonly place: Place;
      readonly keys: Keys;
      readonly network: Network;
      readonly role: Role;
      readonly provider: aws.Provider;
    },
  ): ControlPlane {
    const { kubernetesVersion, deployerRoleArn, network: ranges, api } = this.config;
    const { place, keys, network, role, provider } = made;
    const autoMode = this.config.autoscaling.kind === "autoMode";
    const [secretsKeyArn, dataKeyArn] = [keys.secrets.arn, keys.data.arn];
    return new ControlPlane(
      `${label}-control-plane`,
      {
        ...{ place, kubernetesVersion, deployerRoleArn, provider },
        vpcId: network.vpcId,
        // In Auto Mode the nodes lie where the control plane's interfaces do, and need a way out.
        subnetIds: Object.values(autoMode ? network.privateSubnetIds : network.intraSubnetIds),
        serviceCidr: ranges.serviceCidr,
        publicCidrs: api.publicCidrs,
        logRetentionDays: api.logRetentionDays,
        keyArn: secretsKeyArn,
        role: clusterRole({ place, secretsKeyArn, dataKeyArn, autoMode }),
        autoModeNodeRole: autoMode ? role : undefined,
      },
      // Its interfaces lie in the subnets: these go last.
      { parent: this, provider, dependsOn: [network] },
    );
  }
}
