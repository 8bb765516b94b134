import type { types } from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { Cpu, Duration, Memory } from "./units";

/**
 * A container of a pod.
 * @typeParam Port names of its ports
 * @typeParam Volume names of its workload's volumes
 */
export interface Container<Port extends string = string, Volume extends string = string> {
  /** Pinned: a tag other than `latest`, or a digest. */
  readonly image: pulumi.Input<string>;
  /** Overrides the image's entrypoint. */
  readonly command?: readonly string[];
  /** Arguments of the entrypoint. */
  readonly args?: readonly string[];
  /** Numbers by name. A name has 15 characters at most; below 1024 a port needs a capability. */
  readonly ports?: Readonly<Record<Port, number>>;
  /** A text, or where it comes from: `secret.variable("key")`, {@link POD_NAME}. */
  readonly env?: Readonly<Record<string, pulumi.Input<string> | VariableSource>>;
  readonly resources: ContainerResources;
  /** Volumes by name: where they are mounted. Those of ConfigMaps and Secrets are read-only. */
  readonly mounts?: Readonly<Partial<Record<NoInfer<Volume>, Mount>>>;
  /** Whether it lives: no answer for 30 s, and it is started again. At its start it has 30 s. */
  readonly health?: Check<NoInfer<Port>>;
  /** Whether it may get requests: no answer for 10 s, and it gets none. Default: what `health` asks. */
  readonly ready?: Check<NoInfer<Port>>;
  /** Before it is told to end. Default of a container that a Service sends requests to: `DRAIN`. */
  readonly preStop?: PreStop;
}

/** One that runs as long as the pod: without a check nobody would see that it hangs. */
export type MainContainer<Port extends string = string, Volume extends string = string> = Container<
  Port,
  Volume
> & { readonly health: Check<NoInfer<Port>> };

/** One that runs to its end before the others start. */
export type InitContainer<Volume extends string = string> = Omit<
  Container<never, Volume>,
  "ports" | "health" | "ready" | "preStop"
>;

export interface ContainerResources {
  /** Requested; more is used where there is some, because a limit would throttle an idle machine. */
  readonly cpu: Cpu;
  /** Request and limit: beyond it the container is killed. */
  readonly memory: Memory;
}

export type Mount = string | { readonly path: string; readonly subPath?: string };

export type Check<Port extends string = string> =
  /** An answer from 200 to 399. */
  | { readonly path: string; readonly port: Port }
  /** A connection that is accepted. */
  | { readonly port: Port }
  /** A command that ends with 0. */
  | { readonly command: readonly string[] };

export type PreStop = { readonly command: readonly string[] } | { readonly sleep: Duration };

export interface VariableSource {
  readonly valueFrom: types.input.core.v1.EnvVarSource;
}

/** The name of the pod, in a variable. */
export const POD_NAME: VariableSource = {
  valueFrom: { fieldRef: { fieldPath: "metadata.name" } },
};

/** Outlasts the withdrawal of the pod's address from all nodes, which goes on beside its end. */
export const DRAIN: PreStop = { sleep: "4s" };

type Shape = Readonly<
  Record<
    string,
    Pick<Container, "image" | "ports"> & { readonly mounts?: Readonly<Record<string, Mount>> }
  >
>;
export type { Shape as ContainerShapes };

/** Names of the ports of all containers of a group. */
export type PortOf<C> = {
  [K in keyof C]: C[K] extends { readonly ports: infer Ports } ? keyof Ports & string : never;
}[keyof C];

/**
 * What a literal must be besides its own type, so that a misspelt key, port or volume does not compile:
 * TypeScript looks for excess properties in what it does not infer only.
 */
export type Checked<C extends Shape[string], Volume extends string, Wanted> = Wanted &
  NoOther<C, keyof Container> & { readonly mounts?: NoOther<C["mounts"], Volume> };

type NoOther<T, Known> = Readonly<Record<Exclude<keyof T, Known>, never>>;
