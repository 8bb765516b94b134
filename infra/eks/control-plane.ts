import * as eks from "@pulumi/eks";
import * as pulumi from "@pulumi/pulumi";
import type * as aws from "@pulumi/aws";

import { kubeconfig } from "./kubeconfig";
import { controlPlaneLogGroupName, logGroup } from "./logs";
import type { Place } from "./place";
import { Role, type RoleArgs } from "./role";
import { closedToCreator } from "./transforms";

/** All that there are. */
export const LOG_TYPES = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

export interface ControlPlaneArgs {
  readonly place: Place;
  readonly kubernetesVersion: string;
  readonly deployerRoleArn: string;
  readonly vpcId: pulumi.Input<string>;
  /** For its network interfaces; two zones at least. */
  readonly subnetIds: readonly pulumi.Input<string>[];
  readonly serviceCidr: string;
  /** Empty: no public endpoint. */
  readonly publicCidrs: readonly string[];
  readonly logRetentionDays: number;
  readonly keyArn: pulumi.Input<string>;
  readonly role: RoleArgs;
  /** Role of the nodes that EKS runs itself; undefined: Auto Mode is off. */
  readonly autoModeNodeRole: Role | undefined;
  readonly provider: aws.Provider;
}

/**
 * The control plane by @pulumi/eks, with every default of it that would be unsafe set otherwise. It is
 * a remote component, made by its own plugin: nothing is parented to it, and no other part of the
 * cluster is made by it, so that all the rest is visible to previews, policies and tests.
 */
export class ControlPlane extends pulumi.ComponentResource {
  readonly clusterName: pulumi.Output<string>;
  readonly clusterArn: pulumi.Output<string>;
  /** Of the security group that EKS makes, for control plane and nodes alike. */
  readonly securityGroupId: pulumi.Output<string>;
  /** Secret. */
  readonly kubeconfig: pulumi.Output<string>;

  constructor(name: string, args: ControlPlaneArgs, opts: pulumi.ComponentResourceOptions) {
    super("drydock:infra:ControlPlane", name, {}, opts);
    const { place } = args;
    const role = new Role(`${name}-role`, args.role, { parent: this });
    const logs = logGroup(
      `${name}-logs`,
      {
        place,
        logGroupName: controlPlaneLogGroupName(place),
        retentionDays: args.logRetentionDays,
        kmsKeyId: args.keyArn,
      },
      this,
    );
    const { autoModeNodeRole } = args;
    // Stack files disable the default one, with those of all packages.
    const plugin = new eks.Provider(`${name}-plugin`, {}, { parent: this });
    // accepted CKV_AWS_39 of Cluster cluster-control-plane-eks: the public endpoint answers the addresses of
    // api.publicCidrs only; where there are none it is off, and config/ refuses the whole Internet unless asked twice.
    // accepted CKV_AWS_339 of Cluster cluster-control-plane-eks: the scanner's list of versions ends before
    // 1.36, which EKS supports; config/kubernetes-versions.ts has the dates.
    const cluster = new eks.Cluster(`${name}-eks`, clusterArgs(args, role), {
      parent: this,
      protect: place.protect,
      provider: plugin,
      providers: [args.provider],
      dependsOn: [role, logs, ...(autoModeNodeRole === undefined ? [] : [autoModeNodeRole])],
      transforms: [closedToCreator],
    });
    const { eksCluster } = cluster;
    this.clusterName = eksCluster.name;
    this.clusterArn = eksCluster.arn;
    this.securityGroupId = eksCluster.vpcConfig.clusterSecurityGroupId;
    this.kubeconfig = pulumi.secret(
      pulumi
        .all([eksCluster.endpoint, eksCluster.certificateAuthority.data])
        .apply(([endpoint, certificateAuthority]) =>
          kubeconfig({
            clusterName: place.clusterName,
            region: place.region,
            endpoint,
            certificateAuthority,
            roleArn: args.deployerRoleArn,
          }),
        ),
    );
    this.registerOutputs({
      clusterName: this.clusterName,
      clusterArn: this.clusterArn,
      securityGroupId: this.securityGroupId,
      kubeconfig: this.kubeconfig,
    });
  }
}

function clusterArgs(args: ControlPlaneArgs, role: Role): eks.ClusterArgs {
  const { place, publicCidrs } = args;
  return {
    // The log group's name and the trust of the pods' roles contain it.
    name: place.clusterName,
    version: args.kubernetesVersion,
    upgradePolicy: { supportType: "STANDARD" },
    deletionProtection: place.protect,
    // Without one: the account's default VPC.
    vpcId: args.vpcId,
    privateSubnetIds: [...args.subnetIds],
    kubernetesServiceIpAddressRange: args.serviceCidr,
    endpointPrivateAccess: true,
    endpointPublicAccess: publicCidrs.length > 0,
    ...(publicCidrs.length > 0 ? { publicAccessCidrs: [...publicCidrs] } : {}),
    authenticationMode: eks.AuthenticationMode.Api,
    serviceRole: role.role,
    providerCredentialOpts: { roleArn: args.deployerRoleArn },
    encryptionConfigKeyArn: args.keyArn,
    enabledClusterLogTypes: LOG_TYPES,
    ...compute(args.autoModeNodeRole),
    tags: { ...place.tags, Name: place.clusterName },
  };
}

/** Nodes and add-ons are declared beside the control plane, not by it. */
function compute(autoModeNodeRole: Role | undefined): Partial<eks.ClusterArgs> {
  return {
    skipDefaultNodeGroup: true,
    createInstanceRole: false,
    // EKS makes one security group of its own, which is enough.
    skipDefaultSecurityGroups: true,
    // Despite its name: no add-on vpc-cni.
    useDefaultVpcCni: true,
    kubeProxyAddonOptions: { enabled: false },
    corednsAddonOptions: { enabled: false },
    bootstrapSelfManagedAddons: false,
    ...(autoModeNodeRole === undefined
      ? {}
      : {
          autoMode: {
            enabled: true,
            createNodeRole: false,
            computeConfig: {
              nodePools: ["general-purpose", "system"],
              nodeRoleArn: autoModeNodeRole.arn,
            },
          },
        }),
  };
}
