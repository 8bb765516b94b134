import { managedPolicy, type Place } from "./place";
import { serviceTrust } from "./policy";
import type { RoleArgs } from "./role";

/**
 * What a node may do: join, and pull images. Pods have no part in it: the metadata service answers the
 * node itself only, and what pods need they get by Pod Identity.
 */
export function nodeRole(place: Place, { autoMode = false } = {}): RoleArgs {
  const join = autoMode ? "AmazonEKSWorkerNodeMinimalPolicy" : "AmazonEKSWorkerNodePolicy";
  return {
    description: `Nodes of ${place.clusterName}`,
    trust: serviceTrust("ec2.amazonaws.com"),
    managedPolicies: [join, "AmazonEC2ContainerRegistryPullOnly"].map((name) =>
      managedPolicy(place, name),
    ),
  };
}
