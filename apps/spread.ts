import type { types } from "@pulumi/kubernetes";

type TopologySpreadConstraint = types.input.core.v1.TopologySpreadConstraint;

/**
 * Spreads an app's pods over nodes, and over zones where the cluster has several. Zones are a must,
 * because a zone fails as a whole; nodes are a wish, so that one node can hold all pods.
 */
export function spread(
  matchLabels: Readonly<Record<string, string>>,
  zones: readonly string[],
): TopologySpreadConstraint[] {
  const constraint = (topologyKey: string, whenUnsatisfiable: string) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable,
    labelSelector: { matchLabels },
    // Pods of the old revision do not count: they leave during a rollout.
    matchLabelKeys: ["pod-template-hash"],
  });
  return [
    ...(zones.length > 1 ? [constraint("topology.kubernetes.io/zone", "DoNotSchedule")] : []),
    constraint("kubernetes.io/hostname", "ScheduleAnyway"),
  ];
}
