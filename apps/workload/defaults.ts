import { exceptions } from "../../policy/exceptions";
import type { IdentityRequest, Place, WorkloadArgs } from "./args";
import type { Container, ContainerShapes, InitContainer } from "./container";
import type { IngressArgs } from "./ingress";
import type { Callers } from "./network";
import type { Duration } from "./units";
import type { Volumes } from "./volume";

/** The arguments with their defaults, and without the types that only their author needs. */
export interface PlainArgs extends Pick<
  Required<AnyArgs>,
  "replicas" | "reaches" | "terminationGrace" | "protect"
> {
  readonly place: Place;
  readonly containers: Readonly<Record<string, Container>>;
  readonly sidecars: Readonly<Record<string, Container>>;
  readonly init: Readonly<Record<string, InitContainer>>;
  readonly volumes: Volumes;
  readonly ports: Readonly<Record<string, number>>;
  readonly from: Callers;
  readonly identity: IdentityRequest | undefined;
  readonly ingress: IngressArgs<string> | undefined;
  readonly rolloutTimeout: Duration;
  /** Of the object that brings the pods. */
  readonly annotations: { annotations?: Record<string, string> };
}

type AnyArgs = WorkloadArgs<ContainerShapes, ContainerShapes, string>;

export function withDefaults<
  M extends ContainerShapes,
  S extends ContainerShapes,
  N extends string,
>(args: WorkloadArgs<M, S, N>): PlainArgs {
  const { service, exceptions: excepted } = args;
  return {
    place: args.place,
    replicas: args.replicas,
    containers: args.containers,
    sidecars: args.sidecars ?? {},
    init: args.init ?? {},
    volumes: (args.volumes ?? {}) as Volumes,
    ports: (service?.ports ?? {}) as PlainArgs["ports"],
    from: service?.from ?? [],
    ingress: args.ingress,
    reaches: args.reaches ?? [],
    identity: args.identity,
    terminationGrace: args.terminationGrace ?? "30s",
    rolloutTimeout: args.rolloutTimeout ?? "180s",
    protect: args.protect ?? false,
    annotations: excepted === undefined ? {} : { annotations: exceptions(excepted) },
  };
}
