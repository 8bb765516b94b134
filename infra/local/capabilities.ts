import type { Capabilities, IngressCapability } from "../cluster";
import type { LocalEngine } from "./runtime/spec";

/** What a local cluster runs in, and whether its pods are processes. */
export interface ChosenEngine {
  readonly engine: LocalEngine;
  readonly realNode: boolean;
}

/** Of a native cluster with a real node. */
export const LOCAL_STORAGE_CLASS = "local-path";

/** @param ingress of the add-on, where the cluster has it */
export function localCapabilities(
  { engine, realNode }: ChosenEngine,
  ingress?: IngressCapability,
): Capabilities {
  // kind's local-path provisioner has a name of its own; on simulated nodes nobody mounts a volume.
  const nativeClass = realNode ? LOCAL_STORAGE_CLASS : undefined;
  return {
    // The cluster's agent takes up every Service of type LoadBalancer.
    loadBalancer: { annotations: {} },
    ingress,
    storageClass: engine === "kind" ? "standard" : nativeClass,
    // Enforced by the cluster's agent, and by kind's network plugin since kind 0.24. Simulated pods
    // have no traffic.
    networkPolicy: realNode,
    podIdentity: undefined,
    externalSecrets: false,
    zones: [],
  };
}
