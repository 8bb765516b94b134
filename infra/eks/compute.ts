import type * as pulumi from "@pulumi/pulumi";

import { addonsAfterNodes, addonsBeforeNodes } from "./addon-specs";
import { Addons } from "./addons";
import { Nodes } from "./nodes";
import type { Parts } from "./parts";

/**
 * The nodes, between the daemons that each of them needs and the add-ons that need one of them.
 * @returns all of it, for what comes after to depend on
 */
export function compute(
  name: string,
  { place, config, keys, network, nodeRole, controlPlane }: Parts,
  opts: pulumi.ComponentResourceOptions,
): pulumi.Resource[] {
  const { kubernetesVersion, storage, secrets, autoscaling } = config;
  const { clusterName, securityGroupId } = controlPlane;
  const autoMode = autoscaling.kind === "autoMode";
  const common = { place, clusterName, kubernetesVersion };

  const daemons = new Addons(
    `${name}-daemons`,
    { ...common, addons: autoMode ? [] : addonsBeforeNodes(place) },
    opts,
  );
  const nodes = new Nodes(
    `${name}-nodes`,
    {
      ...common,
      kubernetesVersion: config.nodes.kubernetesVersion ?? kubernetesVersion,
      groups: config.nodes.groups,
      role: nodeRole,
      subnetIds: Object.values(network.privateSubnetIds),
      securityGroupId,
      keyArn: keys.data.arn,
    },
    // A node joins by the network's routes.
    { ...opts, dependsOn: [daemons, network] },
  );
  const addons = new Addons(
    `${name}-addons`,
    {
      ...common,
      addons: addonsAfterNodes({
        place,
        autoMode,
        keyArn: keys.data.arn,
        sharedFileSystem: storage.sharedFileSystem,
        externalSecrets: secrets.externalStore,
      }),
    },
    { ...opts, dependsOn: [daemons, nodes] },
  );
  return [daemons, nodes, addons];
}
