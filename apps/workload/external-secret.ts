import * as k8s from "@pulumi/kubernetes";
import { RunError } from "@pulumi/pulumi/errors";

import { type KeyArn, partitionOf, regionOf, type SecretArn } from "../../config/arn";
import type { Grant } from "../../infra/cluster";
import type { VolumeContext, Volumes } from "./volume";

/**
 * Entries of AWS Secrets Manager as files, read with the workload's own role as a pod starts: they lie
 * neither in Pulumi's state nor in etcd. The pods are replaced where another entry is named.
 */
export interface ExternalSecretFiles {
  /** Entries by the name of their file. */
  readonly externalSecrets: Readonly<Record<string, ExternalSecret>>;
}

export interface ExternalSecret {
  /** In full, of one region for all files of a volume. */
  readonly secretArn: SecretArn;
  /** The key of the account's own that encrypts the entry. Default: the one of AWS for Secrets Manager. */
  readonly keyArn?: KeyArn | undefined;
}

type CsiVolume = k8s.types.input.core.v1.CSIVolumeSource;

/**
 * The volume of the Secrets Store CSI driver for these entries.
 * @throws RunError where the cluster has no such driver, or the entries lie in several regions
 */
export function externalSecretVolume(
  name: string,
  { externalSecrets }: ExternalSecretFiles,
  context: VolumeContext,
): CsiVolume {
  const { workload, namespace, labels, child } = context;
  const entries = Object.entries(externalSecrets);
  const regions = [...new Set(entries.map(([, { secretArn }]) => regionOf(secretArn)))];
  const [region = ""] = regions;
  if (!context.externalSecrets) {
    throw refusal(name, workload, {
      why: "the cluster has no Secrets Store CSI driver with AWS's provider",
      fix: "set drydock:cluster.secrets.externalStore of a cluster on EKS, or leave the entries out",
    });
  }
  if (regions.length > 1) {
    throw refusal(name, workload, {
      why: `its entries lie in ${regions.join(", ")}; a volume takes those of one region`,
      fix: "make a volume for each region",
    });
  }
  const objects = entries.map(([file, { secretArn }]) => ({
    objectName: secretArn,
    objectAlias: file,
  }));
  const { metadata } = new k8s.apiextensions.CustomResource(
    `${workload}-${name}`,
    {
      apiVersion: "secrets-store.csi.x-k8s.io/v1",
      kind: "SecretProviderClass",
      metadata: { namespace, labels: { ...labels } },
      spec: {
        provider: "aws",
        // Texts, as the driver takes them; JSON is YAML.
        parameters: { usePodIdentity: "true", region, objects: JSON.stringify(objects) },
      },
    },
    // Named by Pulumi: other entries give another name, and with it a rollout.
    { ...child, replaceOnChanges: ["spec"] },
  );
  return {
    driver: "secrets-store.csi.k8s.io",
    readOnly: true,
    volumeAttributes: { secretProviderClass: metadata.name },
  };
}

/** What a workload must be allowed to do to have such volumes: reading these entries, and no other. */
export function readingGrants(volumes: Volumes): Grant[] {
  const entries = Object.values(volumes).flatMap((volume) =>
    "externalSecrets" in volume ? Object.values(volume.externalSecrets) : [],
  );
  const [secret, ...secrets] = unique(entries.map(({ secretArn }) => secretArn));
  if (secret === undefined) return [];
  const keys = unique(entries.flatMap(({ keyArn }) => keyArn ?? []));
  return [
    {
      sid: "ReadExternalSecrets",
      // AWS's provider asks for the version that is current before it reads one again.
      actions: ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
      resources: [secret, ...secrets],
    },
    ...decryptingGrants(keys),
  ];
}

/** Through Secrets Manager only: a key may encrypt more than entries. */
function decryptingGrants(keys: readonly KeyArn[]): Grant[] {
  const [key, ...others] = keys;
  if (key === undefined) return [];
  return [
    {
      sid: "DecryptExternalSecrets",
      actions: ["kms:Decrypt"],
      resources: [key, ...others],
      condition: { StringEquals: { "kms:ViaService": unique(keys.map(secretsManager)) } },
    },
  ];
}

/** As KMS names the service of the key's region. */
function secretsManager(key: KeyArn): string {
  const domain = partitionOf(key) === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
  return `secretsmanager.${regionOf(key)}.${domain}`;
}

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

function refusal(volume: string, workload: string, { why, fix }: { why: string; fix: string }) {
  return new RunError(
    `the volume ${volume} of ${workload} cannot be made\n  why: ${why}\n  fix: ${fix}`,
  );
}
