import type { Labels, Taint } from "../../../config/node-settings";
import type { KubernetesMinor } from "../../../toolchain/release";

/** What a user asks of a local cluster. Plain data: it is a Pulumi input as it stands. */
export interface ClusterSpec {
  /** DNS label of at most 32 characters; names the network namespace, the cgroup and the node. */
  readonly name: string;
  readonly kubernetesVersion: KubernetesMinor;
  readonly nodes: {
    /**
     * One node that runs containers. `auto`: where this machine permits it; `always`: fail where
     * it does not; `never`: simulated nodes only.
     */
    readonly real: "auto" | "always" | "never";
    /** Nodes simulated by kwok. With no real node at least three are made. */
    readonly simulated: number;
    /** Beside those that the runtime gives every node. */
    readonly labels?: PerKind<Labels>;
    /** Of simulated nodes, absent: kwok's own taint beside a real node, none elsewhere. */
    readonly taints?: PerKind<readonly Taint[]>;
    /** Whether Karpenter adds simulated nodes where pods wait for one. Default: no. */
    readonly autoscaling?: boolean;
  };
  /** What the cluster runs in. Default: `native`. */
  readonly engine?: LocalEngine;
  /** Loopback address of the host on which Services of type LoadBalancer answer. */
  readonly loadBalancerAddress: string;
}

/** The annotation, and beside a real node the taint, by which kwok's nodes are known. */
export const SIMULATED_NODE = { key: "kwok.x-k8s.io/node", value: "fake" } as const;

/** Whether kwok runs: for nodes that are there, or may come. */
export function simulatesNodes({
  simulatedNodes,
  autoscaling,
}: Pick<ClusterRecord, "simulatedNodes" | "autoscaling">): boolean {
  return simulatedNodes > 0 || autoscaling === true;
}

/** Beside a real node a pod must ask for a simulated one, unless they are configured: there it would not run. */
export function simulatedTaints(
  { taints }: Pick<ClusterSpec["nodes"], "taints">,
  realNode: boolean,
): readonly Taint[] {
  return taints?.simulated ?? (realNode ? [{ ...SIMULATED_NODE, effect: "NoSchedule" }] : []);
}

/** Where simulated nodes are, in turn, unless their labels say otherwise. */
export const SIMULATED_ZONES = ["local-a", "local-b", "local-c"] as const;
export const LOCAL_REGION = "local";

export type NodeKind = "real" | "simulated";
type PerKind<T> = Readonly<Partial<Record<NodeKind, T | undefined>>>;

/** `native`: processes of this machine. `kind`: a container of Docker or Podman, made by kind. */
export type LocalEngine = "native" | "kind";

/** How the cluster was made on this machine; kept in its directory, so that it can be revived. */
export interface ClusterRecord {
  /** Of the cluster's data: a revived cluster keeps it, a new one of the same name has another. */
  readonly uid: string;
  readonly spec: ClusterSpec;
  /** Full version of the control plane, such as "1.36.3". */
  readonly kubernetes: string;
  /** While the control plane changes from another version to this one. */
  readonly upgrade?: { readonly from: string; readonly snapshot: string };
  readonly realNode: boolean;
  readonly simulatedNodes: number;
  /** Whether Karpenter adds simulated nodes. Absent: no. */
  readonly autoscaling?: boolean;
  /** Why there is no real node, one sentence a failed probe; empty when there is one. */
  readonly reasons: readonly string[];
  readonly network: NetworkRecord;
  readonly ports: Ports;
}

/** `namespace`: a network namespace of the cluster's own. `loopback`: the host's 127.0.0.1. */
export type NetworkRecord =
  | {
      readonly kind: "namespace";
      readonly namespace: string;
      /** Interface of the veth pair on the host's side. */
      readonly hostInterface: string;
      readonly hostAddress: string;
      /** Address of the API server and of the real node, reachable from the host. */
      readonly address: string;
    }
  | { readonly kind: "loopback"; readonly address: "127.0.0.1" };

export interface Ports {
  readonly apiServer: number;
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly controllerManager: number;
  readonly scheduler: number;
  readonly kwok: number;
}

/** Karpenter runs only in a namespace of the cluster's own: it listens on all addresses. */
export const KARPENTER_PORTS = { health: 10271, metrics: 10272 } as const;

/** Ports in a namespace of its own, where nothing else can hold them. */
export const NAMESPACE_PORTS: Ports = {
  apiServer: 6443,
  etcd: 2379,
  etcdPeer: 2380,
  controllerManager: 10257,
  scheduler: 10259,
  kwok: 10247,
};

export const POD_CIDR = "10.244.0.0/16";
export const SERVICE_CIDR = "10.96.0.0/16";
/** First address of {@link SERVICE_CIDR}: the Service `kubernetes`. */
export const API_SERVICE_ADDRESS = "10.96.0.1";
export const DNS_SERVICE_ADDRESS = "10.96.0.10";
export const CLUSTER_DOMAIN = "cluster.local";
/** Simulated nodes when there is no real one and none were asked for: enough to show spreading. */
export const DEFAULT_SIMULATED_NODES = 3;

/** Where the real node keeps volumes made on demand; the same on every machine, since objects name it. */
export const VOLUMES_FOLDER = "/opt/local-path-provisioner";

/** Annotation of pods: containerd keeps those with the same value in one shim, instead of one for each. */
export const SHIM_GROUP = "io.containerd.runc.v2.group";

/** `spec.controller` of an IngressClass that the agent tells addresses for. */
export const INGRESS_CONTROLLER = "zalando.org/skipper";

export function realNodeName(cluster: string): string {
  return `${cluster}-node-1`;
}

export function simulatedNodeName(cluster: string, index: number): string {
  return `${cluster}-simulated-${String(index + 1)}`;
}

export function apiServerUrl(record: ClusterRecord): string {
  return `https://${record.network.address}:${String(record.ports.apiServer)}`;
}

/** By which anybody can tell whose node it is, and with it who serves a load balancer here. */
export function providerId(cluster: string, node: string): string {
  return `drydock://${cluster}/${node}`;
}
