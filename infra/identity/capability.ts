/** How pods take on an identity. */
export interface PodIdentityCapability {
  /** What a pod must reach to use it: who hands out its credentials, and the provider's interfaces. */
  readonly reaches: readonly AddressRange[];
}

/** Addresses outside of the cluster, at one TCP port. */
export interface AddressRange {
  readonly cidr: string;
  readonly except?: readonly string[];
  readonly port: number;
}

/** Of the EKS Pod Identity agent on each node. Its IPv6 address is of no use: pods have IPv4 only. */
export const EKS_POD_IDENTITY: PodIdentityCapability = {
  reaches: [
    { cidr: "169.254.170.23/32", port: 80 },
    // The addresses of AWS's interfaces are many, and change. The metadata of the node are not among them.
    { cidr: "0.0.0.0/0", except: ["169.254.0.0/16"], port: 443 },
  ],
};
