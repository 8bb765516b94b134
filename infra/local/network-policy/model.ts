import type { LabelSelector, Labels } from "./selector";

/**
 * The fields of the API's objects that decide traffic; the API server has validated them and set
 * their defaults.
 */
export interface Pod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  /** IPv4, of its own: a pod on the node's network is the node, and no policy is for it. */
  readonly addresses: readonly string[];
  readonly ports: readonly ContainerPort[];
}

export interface ContainerPort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export interface Namespace {
  readonly name: string;
  readonly labels: Labels;
}

/** `networking.k8s.io/v1` NetworkPolicy. */
export interface NetworkPolicy {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: {
    readonly podSelector?: LabelSelector;
    readonly policyTypes?: readonly Direction[];
    readonly ingress?: readonly { readonly from?: readonly Peer[]; readonly ports?: PolicyPorts }[];
    readonly egress?: readonly { readonly to?: readonly Peer[]; readonly ports?: PolicyPorts }[];
  };
}

export type Direction = "Ingress" | "Egress";
export type Protocol = "TCP" | "UDP" | "SCTP";

export interface Peer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

export interface PolicyPort {
  /** Default: TCP. */
  readonly protocol?: Protocol;
  /** A number, or the name of a container's port; absent: every port of the protocol. */
  readonly port?: number | string;
  /** Last port of a range that `port` begins. */
  readonly endPort?: number;
}

export type PolicyPorts = readonly PolicyPort[];

/** All that decides which traffic a node's pods may have. */
export interface NetworkState {
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
  readonly policies: readonly NetworkPolicy[];
}
