import type { Capabilities } from "../cluster";
import type { LocalEngine } from "./runtime/spec";

/** What a local cluster offers, by what it runs in. */
export const LOCAL_CAPABILITIES: Readonly<Record<LocalEngine, Capabilities>> = {
  native: {
    // The cluster's agent takes up every Service of type LoadBalancer.
    loadBalancer: { annotations: {} },
    storageClass: undefined,
    networkPolicy: false,
    podIdentity: false,
    zones: [],
  },
  kind: {
    loadBalancer: { annotations: {} },
    // kind's local-path provisioner, and its network plugin, which enforces since kind 0.24.
    storageClass: "standard",
    networkPolicy: true,
    podIdentity: false,
    zones: [],
  },
};
