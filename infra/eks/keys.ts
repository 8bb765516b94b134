import type * as pulumi from "@pulumi/pulumi";

import { autoScalingKeyUse, EncryptionKey, logKeyUse } from "./encryption";
import { controlPlaneLogGroupName, flowLogGroupName } from "./logs";
import type { Place } from "./place";

export interface Keys {
  /** Of Kubernetes secrets and of logs. */
  readonly secrets: EncryptionKey;
  /** Of disks, volumes, files and images. */
  readonly data: EncryptionKey;
}

/** Two keys, so that what may read a disk may not read the cluster's secrets. */
export function encryptionKeys(
  name: string,
  { place, deletionWindowDays }: { readonly place: Place; readonly deletionWindowDays: number },
  opts: pulumi.ComponentResourceOptions,
): Keys {
  const logGroups = [controlPlaneLogGroupName(place), flowLogGroupName(place)];
  return {
    secrets: new EncryptionKey(
      `${name}-secrets-key`,
      {
        place,
        deletionWindowDays,
        description: `Secrets and logs of ${place.clusterName}`,
        statements: [logKeyUse(place, logGroups)],
      },
      opts,
    ),
    data: new EncryptionKey(
      `${name}-data-key`,
      {
        place,
        deletionWindowDays,
        description: `Disks, files and images of ${place.clusterName}`,
        statements: autoScalingKeyUse(place),
      },
      opts,
    ),
  };
}
