import type { Field } from "../field";
import { some, type Truth } from "../logic";
import { once, type Resource, type Stack } from "../resource";
import type { Labels } from "./kubernetes";

/** Where each kind keeps the template of its pods. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  "core/Pod": [],
  "core/PodTemplate": ["template"],
  "core/ReplicationController": ["spec", "template"],
  "apps/Deployment": ["spec", "template"],
  "apps/StatefulSet": ["spec", "template"],
  "apps/DaemonSet": ["spec", "template"],
  "apps/ReplicaSet": ["spec", "template"],
  "batch/Job": ["spec", "template"],
  "batch/CronJob": ["spec", "jobTemplate", "spec", "template"],
};

/** Every kind that brings pods. */
export const POD_OWNERS = Object.keys(TEMPLATES);

/** Kinds whose pods serve without an end. */
export const SERVERS = [
  "apps/Deployment",
  "apps/StatefulSet",
  "apps/DaemonSet",
  "apps/ReplicaSet",
  "core/ReplicationController",
  "core/Pod",
];

/** Kinds with a count of interchangeable pods. */
export const REPLICATED = ["apps/Deployment", "apps/StatefulSet"];

export interface Pod {
  readonly owner: Resource;
  readonly metadata: Field;
  readonly spec: Field;
  /** undefined where one is not known yet. */
  readonly labels: Labels;
}

/** The pods that a resource brings; undefined where it brings none. */
export const podOf = once((owner: Resource): Pod | undefined => {
  const path = TEMPLATES[owner.kind];
  if (path === undefined) return undefined;
  const template = owner.at(...path);
  const metadata = template.at("metadata");
  const labels = once(() => metadata.at("labels").textMap());
  return {
    owner,
    metadata,
    spec: template.at("spec"),
    get labels() {
      return labels(metadata);
    },
  };
});

export function podsOf(stack: Stack, kinds: readonly string[] = POD_OWNERS): Pod[] {
  return stack.of(...kinds).flatMap((owner) => podOf(owner) ?? []);
}

/** @throws Error where the resource brings no pods; a rule's `applies` keeps such resources away */
export function pod(owner: Resource): Pod {
  const found = podOf(owner);
  if (found === undefined) throw new Error(`${owner.kind} has no pods`);
  return found;
}

const LISTS = ["containers", "initContainers", "ephemeralContainers"];

/** All containers: init and ephemeral ones too. */
export function containers({ spec }: Pod): Field[] {
  return LISTS.flatMap((list) => spec.at(list).items());
}

/** Whether one of all containers passes; undefined where not all are known. */
export function someContainer({ spec }: Pod, test: (container: Field) => Truth): Truth {
  return some(LISTS, (list) => spec.at(list).some(test));
}

/** The containers that run as long as the pod does. */
export function mainContainers({ spec }: Pod): Field[] {
  return spec.at("containers").items();
}

/** A field of the security context that counts for a container: its own, else the pod's. */
export function effective(container: Field, { spec }: Pod, key: string): Field {
  const own = container.at("securityContext", key);
  const shared = spec.at("securityContext", key);
  return own.isAbsent && !shared.isAbsent ? shared : own;
}

/** What entries of an external store a volume of the Secrets Store CSI driver holds. */
export const SECRET_PROVIDER_CLASS = "secrets-store.csi.x-k8s.io/SecretProviderClass";

/** Names of the classes whose entries a pod mounts. */
export function externalSecretClasses({ spec }: Pod): Field[] {
  const sources = spec
    .at("volumes")
    .items()
    .map((volume) => volume.at("csi"));
  return sources
    .filter((csi) => csi.at("driver").text === "secrets-store.csi.k8s.io")
    .map((csi) => csi.at("volumeAttributes", "secretProviderClass"))
    .filter((name) => !name.isAbsent);
}
