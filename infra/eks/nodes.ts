import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

import type { EksKubernetesVersion } from "../../config/kubernetes-versions";
import { launchTemplate } from "./launch-template";
import type { EksConfig, Place } from "./place";
import type { Role } from "./role";
import { pins } from "./versions";

export type NodeGroupConfig = EksConfig["nodes"]["groups"][string];

export interface NodesArgs {
  readonly place: Place;
  readonly clusterName: pulumi.Input<string>;
  /** Minor version of the kubelets. */
  readonly kubernetesVersion: EksKubernetesVersion;
  readonly groups: Readonly<Record<string, NodeGroupConfig>>;
  readonly role: Role;
  /** Private ones. */
  readonly subnetIds: readonly pulumi.Input<string>[];
  readonly securityGroupId: pulumi.Input<string>;
  /** Encrypts the disks. */
  readonly keyArn: pulumi.Input<string>;
}

/** Managed node groups: EKS drains and replaces their nodes, this program says with what. */
export class Nodes extends pulumi.ComponentResource {
  constructor(
    private readonly label: string,
    private readonly args: NodesArgs,
    opts: pulumi.ComponentResourceOptions,
  ) {
    super("drydock:infra:Nodes", label, {}, opts);
    for (const [name, group] of Object.entries(args.groups)) this.group(name, group);
    this.registerOutputs({});
  }

  private group(groupName: string, group: NodeGroupConfig): void {
    const { place, clusterName, kubernetesVersion, role, subnetIds, ...rest } = this.args;
    const name = `${this.label}-${groupName}`;
    const template = launchTemplate(
      name,
      { place, groupName, amiType: group.amiType, diskGiB: group.diskGiB, ...rest },
      this,
    );
    new aws.eks.NodeGroup(
      name,
      {
        clusterName,
        nodeRoleArn: role.arn,
        subnetIds: [...subnetIds],
        version: kubernetesVersion,
        releaseVersion: group.releaseVersion ?? pins[kubernetesVersion].al2023,
        amiType: group.amiType,
        instanceTypes: [...group.instanceTypes],
        capacityType: { onDemand: "ON_DEMAND", spot: "SPOT" }[group.capacity],
        scalingConfig: {
          minSize: group.minSize,
          maxSize: group.maxSize,
          desiredSize: Math.max(group.minSize, 1),
        },
        updateConfig: { maxUnavailablePercentage: group.maxUnavailablePercent },
        nodeRepairConfig: { enabled: group.autoRepair },
        labels: { ...group.labels, "drydock/node-group": groupName },
        taints: group.taints.map((taint) => ({ ...taint })),
        launchTemplate: { id: template.id, version: template.latestVersion.apply(String) },
      },
      {
        parent: this,
        // Rights that go before the nodes do would leave them unable to sign off.
        dependsOn: [role],
        // An autoscaler, or a person, changes it; the program says how many there are at first.
        ignoreChanges: ["scalingConfig.desiredSize"],
        // Long enough for pods with a disruption budget to move.
        customTimeouts: { update: "2h", delete: "1h" },
      },
    );
  }
}
