import type { Exceptions } from "../../policy/exceptions";
import type { Capabilities, Cluster, Grant } from "../../infra/cluster";
import type { WorkloadNamespace } from "../../infra/platform/namespace";
import type {
  Checked,
  Container,
  ContainerShapes,
  InitContainer,
  MainContainer,
  PortOf,
} from "./container";
import type { IngressArgs } from "./ingress";
import type { Callers, Endpoint } from "./network";
import type { Duration } from "./units";
import type { Volume } from "./volume";

/** Where a workload runs. */
export interface Place {
  /** No pod starts before its rules are there. */
  readonly namespace: WorkloadNamespace;
  readonly capabilities: Capabilities;
  /** Lets a workload's pods act at the cloud's provider: see {@link Cluster.identity}. */
  readonly identity: Cluster["identity"];
}

/**
 * @typeParam Main its containers
 * @typeParam Side its sidecars
 * @typeParam Name names of its volumes
 */
export interface WorkloadArgs<
  Main extends ContainerShapes,
  Side extends ContainerShapes,
  Name extends string,
> {
  readonly place: Place;
  /** 0 keeps the Service and its address, and serves nothing. */
  readonly replicas: number | Autoscaling;
  /** By name. They share the pod's address, volumes and life; the first is what kubectl takes. */
  readonly containers: Main & {
    readonly [K in keyof Main]: Checked<Main[K], Name, MainContainer<PortOf<Pick<Main, K>>, Name>>;
  };
  /** Containers that start before the others and end after them. */
  readonly sidecars?: Side & {
    readonly [K in keyof Side]: Checked<Side[K], Name, Container<PortOf<Pick<Side, K>>, Name>>;
  };
  /** Containers that run to their end, one after the other, before all others. */
  readonly init?: Readonly<Record<string, InitContainer<NoInfer<Name>>>>;
  /** By name. One that is `perReplica` makes the workload a StatefulSet; else it is a Deployment. */
  readonly volumes?: Readonly<Partial<Record<Name, Volume>>>;
  /** Default: none, and nobody calls it. */
  readonly service?: ServiceArgs<PortOf<Main> | PortOf<Side>>;
  /**
   * Its entry at the cluster's ingress controller. Where there is none, a warning says so and the
   * workload answers inside the cluster. Default: none.
   */
  readonly ingress?: IngressArgs<PortOf<Main> | PortOf<Side>> | undefined;
  /** What it calls; the name server comes with it. Default: nothing. */
  readonly reaches?: readonly Endpoint[];
  /** What its pods may do in the cloud; the network rules for it come with it. Default: nothing. */
  readonly identity?: IdentityRequest;
  /** From the order to end to the kill; the preStop hook is part of it. Default: 30s. */
  readonly terminationGrace?: Duration;
  /** A rollout that takes longer fails the update; the old pods go on serving. Default: 180s. */
  readonly rolloutTimeout?: Duration;
  /** Whether Pulumi refuses to delete what holds data. Default: false. */
  readonly protect?: boolean;
  /** Policies that do not hold for it, each with a last day and a reason. */
  readonly exceptions?: Exceptions;
}

export interface ServiceArgs<Port extends string> {
  /** Port of the Service by the name of the container's port that it leads to. */
  readonly ports: Readonly<Partial<Record<Port, number>>>;
  /** `loadBalancer`: from outside, where the cluster has one. Else workloads of the namespace. */
  readonly from: Callers;
}

export interface IdentityRequest {
  /** Only what it needs, on the very things that it needs it for. */
  readonly grants: readonly [Grant, ...Grant[]];
  /** Whether it does without, and says so, where the cluster gives no identity. Default: false, an error. */
  readonly optional?: boolean;
}

/** The cluster's metrics decide on the count. */
export interface Autoscaling {
  /** At least 2: one pod is an outage when its node goes. */
  readonly min: number;
  readonly max: number;
  /** Share of the requested CPU, in percent, that pods are to use on average. */
  readonly cpuPercent: number;
}
