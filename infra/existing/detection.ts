import type { Capabilities } from "../cluster";

/** Which cluster is meant: section `drydock:cluster` of kind `existing`. */
export interface ExistingClusterArgs {
  /** Path; `~` is the home folder. Default: KUBECONFIG, else ~/.kube/config. */
  readonly kubeconfig?: string | undefined;
  /** Default: the kubeconfig's current context. */
  readonly context?: string | undefined;
  /** UID that the cluster must have. Default: any. */
  readonly identity?: string | undefined;
}

/** What a cluster that somebody else made turned out to be. Plain values, all known at a preview. */
export interface Detection {
  readonly context: string;
  /** URL of the API server. */
  readonly server: string;
  /** UID of the namespace kube-system: what tells one cluster from another, whatever its address. */
  readonly uid: string;
  /** Of the API server, such as "1.36.3". */
  readonly version: string;
  /** The chosen context alone, with its certificates inline. A secret. */
  readonly kubeconfig: string;
  readonly capabilities: Capabilities;
  /** False where kwok simulates every node. */
  readonly servesTraffic: boolean;
  /** Of the nodes, as Go writes them (`amd64`, `arm64`), sorted. */
  readonly architectures: readonly string[];
  /** For people: which cluster it is, and what was found there by which sign. */
  readonly summary: string;
}
