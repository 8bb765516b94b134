import type { Capabilities } from "../cluster";
import type { LocalEngine } from "./runtime/spec";

/** What a local cluster runs in, and whether its pods are processes. */
export interface ChosenEngine {
  readonly engine: LocalEngine;
  readonly realNode: boolean;
}

export function localCapabilities({ engine, realNode }: ChosenEngine): Capabilities {
  return {
    // The cluster's agent takes up every Service of type LoadBalancer.
    loadBalancer: { annotations: {} },
    // kind's local-path provisioner.
    storageClass: engine === "kind" ? "standard" : undefined,
    // Enforced by the cluster's agent, and by kind's network plugin since kind 0.24. Simulated pods
    // have no traffic.
    networkPolicy: realNode,
    podIdentity: false,
    zones: [],
  };
}
