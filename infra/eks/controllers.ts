import type * as pulumi from "@pulumi/pulumi";

import { FileSystem } from "./file-system";
import { Karpenter } from "./karpenter";
import { LoadBalancerController } from "./load-balancer";
import type { Parts } from "./parts";
import { Storage } from "./storage";

/**
 * What serves the workloads from inside of the cluster: volumes, load balancers, more nodes.
 * @returns all of it: a workload depends on it, so that what AWS made for the workload is removed by
 * the one that made it
 */
export function controllers(
  name: string,
  parts: Parts,
  opts: pulumi.ComponentResourceOptions,
): pulumi.Resource[] {
  const { place, config, keys, network, controlPlane } = parts;
  const { autoscaling, storage } = config;
  const autoMode = autoscaling.kind === "autoMode";
  const { clusterName } = controlPlane;
  const { vpcId } = network;
  const files = storage.sharedFileSystem ? fileSystem(name, parts, opts) : undefined;
  const classes = new Storage(
    `${name}-storage`,
    {
      autoMode,
      keyArn: keys.data.arn,
      reclaimPolicy: storage.reclaimPolicy,
      fileSystemId: files?.fileSystemId,
    },
    { ...opts, dependsOn: files === undefined ? [] : [files] },
  );
  const balancers = autoMode
    ? []
    : [new LoadBalancerController(`${name}-load-balancers`, { place, clusterName, vpcId }, opts)];
  return [classes, ...balancers, ...karpenter(name, parts, opts)];
}

function fileSystem(
  name: string,
  { place, keys, network, controlPlane }: Parts,
  opts: pulumi.ComponentResourceOptions,
): FileSystem {
  return new FileSystem(
    `${name}-files`,
    {
      place,
      keyArn: keys.data.arn,
      vpcId: network.vpcId,
      subnetIds: network.intraSubnetIds,
      clientSecurityGroupId: controlPlane.securityGroupId,
    },
    opts,
  );
}

function karpenter(
  name: string,
  { place, config, keys, network, nodeRole, controlPlane }: Parts,
  opts: pulumi.ComponentResourceOptions,
): Karpenter[] {
  const { autoscaling, nodes, kubernetesVersion } = config;
  if (autoscaling.kind !== "karpenter") return [];
  const { clusterName, securityGroupId } = controlPlane;
  return [
    new Karpenter(
      `${name}-karpenter`,
      {
        ...{ place, clusterName, securityGroupId, nodeRole },
        kubernetesVersion: nodes.kubernetesVersion ?? kubernetesVersion,
        pool: autoscaling,
        zones: network.zones,
        subnetIds: Object.values(network.privateSubnetIds),
        keyArn: keys.data.arn,
      },
      opts,
    ),
  ];
}
