import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { RunError } from "@pulumi/pulumi/errors";

import { type ExternalSecretFiles, externalSecretVolume } from "./external-secret";
import type { SecretFiles } from "./secret";
import type { Memory } from "./units";

/** A volume of a workload's pods. */
export type Volume =
  | ConfigFiles
  | SecretFiles
  | ExternalSecretFiles
  /** Empty at the pod's start, gone at its end; `emptyDir` is its limit. */
  | { readonly emptyDir: Memory; readonly medium?: "Memory" }
  | SharedVolume
  | ReplicaVolume;

/** Files of a ConfigMap, which the workload makes: 1 MB of text in all at most. */
export interface ConfigFiles {
  /** Ends the ConfigMap's name; other content gives it another name, and with it a rollout. */
  readonly configMap: string;
  readonly data: Readonly<Record<string, pulumi.Input<string>>>;
}

/** One volume on demand for all replicas; it stays while pods come and go. */
export interface SharedVolume {
  /** Its size. It can be raised where the storage class allows that, and never lowered. */
  readonly shared: Memory;
  /** ReadWriteOnce: pods on one node only, so that a rollout to another node would wait for ever. */
  readonly access: "ReadWriteMany" | "ReadWriteOnce";
}

/** A volume on demand for each replica, which finds its own again. It makes the workload a StatefulSet. */
export interface ReplicaVolume {
  /** Its size, which cannot be changed. */
  readonly perReplica: Memory;
  /** What becomes of it when the workload is deleted. Default: Retain. */
  readonly whenDeleted?: "Retain" | "Delete";
  /** Whether an emptyDir does where the cluster makes no volumes: its data go with the pod. */
  readonly orEmptyDir?: boolean;
}

export type Volumes = Readonly<Record<string, Volume>>;

export interface VolumeContext {
  readonly workload: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly storageClass: string | undefined;
  /** Whether a volume can hold entries of AWS Secrets Manager. */
  readonly externalSecrets: boolean;
  /** Whether Pulumi refuses to delete what holds data. */
  readonly protect: boolean;
  readonly child: pulumi.CustomResourceOptions;
}

/** What volumes are in the objects of a workload. */
export interface MadeVolumes {
  /** Of the pod's spec. */
  readonly volumes: k8s.types.input.core.v1.Volume[];
  /** Of a StatefulSet. */
  readonly templates: k8s.types.input.core.v1.PersistentVolumeClaim[];
  /** What becomes of a StatefulSet's volumes with it. */
  readonly whenDeleted: "Retain" | "Delete";
  /** Names of volumes whose data go with the pod, because the cluster makes no others. */
  readonly lost: readonly string[];
}

/**
 * Makes the ConfigMaps, claims and classes of a workload.
 * @throws RunError where a volume needs what the cluster does not have
 */
export function makeVolumes(volumes: Volumes, context: VolumeContext): MadeVolumes {
  const made = Object.entries(volumes).map(([name, volume]) => make(name, volume, context));
  const perReplica = Object.values(volumes).filter(isPerReplica);
  return {
    volumes: made.flatMap(({ volume }) => volume ?? []),
    templates: made.flatMap(({ template }) => template ?? []),
    whenDeleted: perReplica.every((one) => one.whenDeleted === "Delete") ? "Delete" : "Retain",
    lost: made.flatMap(({ lost }) => lost ?? []),
  };
}

export function isPerReplica(volume: Volume): volume is ReplicaVolume {
  return "perReplica" in volume;
}

/** Whether a container may write to it. */
export function isReadOnly(volume: Volume): boolean {
  return "configMap" in volume || "secretName" in volume || "externalSecrets" in volume;
}

interface Made {
  readonly volume?: k8s.types.input.core.v1.Volume;
  readonly template?: k8s.types.input.core.v1.PersistentVolumeClaim;
  readonly lost?: string;
}

function make(name: string, volume: Volume, context: VolumeContext): Made {
  if ("configMap" in volume) return { volume: { name, configMap: configMap(volume, context) } };
  if ("secretName" in volume) {
    const { secretName, keys } = volume;
    const items = keys.map((key) => ({ key, path: key }));
    // Readable for the pod's group, and for nobody else.
    return { volume: { name, secret: { secretName, items, defaultMode: 0o440 } } };
  }
  if ("externalSecrets" in volume) {
    return { volume: { name, csi: externalSecretVolume(name, volume, context) } };
  }
  if ("emptyDir" in volume) {
    const { emptyDir: sizeLimit, medium } = volume;
    return { volume: { name, emptyDir: { sizeLimit, ...(medium && { medium }) } } };
  }
  if (isPerReplica(volume)) return perReplica(name, volume, context);
  return { volume: { name, persistentVolumeClaim: { claimName: claim(name, volume, context) } } };
}

function configMap({ configMap: suffix, data }: ConfigFiles, context: VolumeContext) {
  const { workload, namespace, labels, child } = context;
  const { metadata } = new k8s.core.v1.ConfigMap(
    `${workload}-${suffix}`,
    { metadata: { namespace, labels: { ...labels } }, data: { ...data }, immutable: true },
    child,
  );
  return { name: metadata.name };
}

function perReplica(name: string, volume: ReplicaVolume, context: VolumeContext): Made {
  const { perReplica: size, orEmptyDir = false } = volume;
  if (context.storageClass === undefined && orEmptyDir) {
    return { volume: { name, emptyDir: { sizeLimit: size } }, lost: name };
  }
  const metadata = { name, labels: { ...context.labels } };
  return { template: { metadata, spec: claimSpec(name, size, "ReadWriteOnce", context) } };
}

function claim(name: string, { shared, access }: SharedVolume, context: VolumeContext): string {
  const { workload, namespace, labels, child, protect } = context;
  const claimName = `${workload}-${name}`;
  new k8s.core.v1.PersistentVolumeClaim(
    claimName,
    {
      metadata: { name: claimName, namespace, labels: { ...labels } },
      spec: claimSpec(name, shared, access, context),
    },
    { ...child, protect },
  );
  return claimName;
}

function claimSpec(name: string, storage: Memory, access: string, context: VolumeContext) {
  const { storageClass: storageClassName, workload } = context;
  if (storageClassName === undefined) {
    throw new RunError(
      `the volume ${name} of ${workload} cannot be made\n` +
        "  why: the cluster has no StorageClass, which would make volumes on demand\n" +
        "  fix: give the cluster a default StorageClass, or leave the app out",
    );
  }
  return { accessModes: [access], storageClassName, resources: { requests: { storage } } };
}
