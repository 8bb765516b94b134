import type { types } from "@pulumi/kubernetes";

import type { Labels } from "./labels";

type TopologySpreadConstraint = types.input.core.v1.TopologySpreadConstraint;

/** Label of a pod that tells the revisions of its workload apart. */
const REVISION = {
  Deployment: "pod-template-hash",
  StatefulSet: "controller-revision-hash",
} as const;

/**
 * Spreads a workload's pods over nodes, and over zones where the cluster has several. Zones are a must,
 * because a zone fails as a whole; nodes are a wish, so that one node can hold all pods.
 */
export function spread(
  kind: keyof typeof REVISION,
  matchLabels: Labels,
  zones: readonly string[],
): TopologySpreadConstraint[] {
  const constraint = (topologyKey: string, whenUnsatisfiable: string) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable,
    labelSelector: { matchLabels: { ...matchLabels } },
    // Pods of the old revision do not count: they leave during a rollout.
    matchLabelKeys: [REVISION[kind]],
  });
  return [
    ...(zones.length > 1 ? [constraint("topology.kubernetes.io/zone", "DoNotSchedule")] : []),
    constraint("kubernetes.io/hostname", "ScheduleAnyway"),
  ];
}
