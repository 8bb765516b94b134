import type { types } from "@pulumi/kubernetes";

import {
  type Container,
  DRAIN,
  type InitContainer,
  type Mount,
  type PreStop,
  type VariableSource,
} from "./container";
import { selectorLabels, workloadLabels } from "./labels";
import { probes } from "./probes";
import { restrictedContainer, restrictedPod } from "./security";
import { spread } from "./spread";
import { type Duration, seconds } from "./units";
import { isReadOnly, type MadeVolumes, type Volumes } from "./volume";

type PodTemplateSpec = types.input.core.v1.PodTemplateSpec;
type ContainerSpec = types.input.core.v1.Container;

/** Group that owns the volumes made on demand: their root directory belongs to root else. */
const VOLUME_GROUP = 65532;

export interface PodArgs {
  readonly workload: string;
  readonly kind: "Deployment" | "StatefulSet";
  readonly containers: Readonly<Record<string, Container>>;
  readonly sidecars: Readonly<Record<string, Container>>;
  readonly init: Readonly<Record<string, InitContainer>>;
  readonly volumes: Volumes;
  readonly made: MadeVolumes;
  /** Names of the ports that the Service sends requests to. */
  readonly served: readonly string[];
  readonly terminationGrace: Duration;
  readonly zones: readonly string[];
}

/** The template of a workload's pods: restricted, without a token of the API server, spread. */
export function podTemplate(args: PodArgs): PodTemplateSpec {
  const { workload, kind, made } = args;
  const onDemand = Object.values(args.volumes).some(
    (one) => "perReplica" in one || "shared" in one,
  );
  const initContainers = [
    ...each(args.init, args),
    // Native sidecars: they start before the containers, and end after them.
    ...each(args.sidecars, args).map((one) => ({ ...one, restartPolicy: "Always" })),
  ];
  return {
    metadata: { labels: { ...workloadLabels(workload) } },
    spec: {
      serviceAccountName: workload,
      automountServiceAccountToken: false,
      // Addresses of all Services as variables would make each pod another.
      enableServiceLinks: false,
      securityContext: onDemand ? { ...restrictedPod, ...volumeGroup } : restrictedPod,
      terminationGracePeriodSeconds: seconds(args.terminationGrace),
      topologySpreadConstraints: spread(kind, selectorLabels(workload), args.zones),
      ...(initContainers.length > 0 && { initContainers }),
      containers: each(args.containers, args),
      ...(made.volumes.length > 0 && { volumes: made.volumes }),
    },
  };
}

const volumeGroup = { fsGroup: VOLUME_GROUP, fsGroupChangePolicy: "OnRootMismatch" };

function each(group: Readonly<Record<string, Container>>, pod: PodArgs): ContainerSpec[] {
  return Object.entries(group).map(([name, one]) => container(name, one, pod));
}

function container(name: string, args: Container, pod: PodArgs): ContainerSpec {
  const { image, command, args: words, resources } = args;
  const { cpu, memory } = resources;
  const ports = Object.entries(args.ports ?? {});
  const env = Object.entries(args.env ?? {});
  const volumeMounts = mounts(args, pod.volumes);
  const isServed = ports.some(([port]) => pod.served.includes(port));
  const preStop = args.preStop ?? (isServed ? DRAIN : undefined);
  return {
    name,
    // accepted container-image-pull-policy of every workload: the digest says what is run; a pull at each
    // start would make every restart depend on the registry.
    image,
    ...(command && { command: [...command] }),
    ...(words && { args: [...words] }),
    ...(ports.length > 0 && {
      ports: ports.map(([port, containerPort]) => ({ name: port, containerPort })),
    }),
    ...(env.length > 0 && { env: env.map(([variable, value]) => environment(variable, value)) }),
    // accepted CKV_K8S_40 of every workload: the id is the image's own, so that another image can have
    // another; no path of the host is mounted, no capability is left.
    // accepted container-security-context-user-group-id of every workload: the same.
    securityContext: restrictedContainer,
    // accepted CKV_K8S_11 of every workload: a limit of CPU throttles answers while the node idles; the
    // request is what a pod is sure of, and the namespace's quota bounds the sum.
    // accepted container-resources of every workload: the same.
    // accepted container-ephemeral-storage-request-and-limit of every workload: the root is read-only, every
    // emptyDir has a size limit, and the kubelet rotates the logs.
    resources: { requests: { cpu, memory }, limits: { memory } },
    ...probes(args.health, args.ready),
    ...(preStop && { lifecycle: { preStop: hook(preStop) } }),
    ...(volumeMounts.length > 0 && { volumeMounts }),
  };
}

type Variable = Required<Container>["env"][string];

function environment(name: string, value: Variable): types.input.core.v1.EnvVar {
  return isSource(value) ? { name, ...value } : { name, value };
}

function isSource(value: Variable): value is VariableSource {
  return typeof value === "object" && "valueFrom" in value;
}

function mounts(args: Container, volumes: Volumes): types.input.core.v1.VolumeMount[] {
  const declared = Object.entries((args.mounts ?? {}) as Readonly<Record<string, Mount>>);
  return declared.map(([name, mount]) => {
    const { path: mountPath, ...rest } = typeof mount === "string" ? { path: mount } : mount;
    const volume = volumes[name];
    return {
      name,
      mountPath,
      ...rest,
      ...(volume !== undefined && isReadOnly(volume) && { readOnly: true }),
    };
  });
}

function hook(preStop: PreStop): types.input.core.v1.LifecycleHandler {
  if ("command" in preStop) return { exec: { command: [...preStop.command] } };
  return { sleep: { seconds: seconds(preStop.sleep) } };
}
