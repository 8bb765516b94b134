import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

import type { Place } from "./place";

/** EKS writes to a group of this name, and makes one that is kept for ever where it finds none. */
export function controlPlaneLogGroupName(place: Place): string {
  return `/aws/eks/${place.clusterName}/cluster`;
}

export function flowLogGroupName(place: Place): string {
  return `/aws/vpc/${place.clusterName}/flow-logs`;
}

export interface LogGroupArgs {
  readonly place: Place;
  readonly logGroupName: string;
  readonly retentionDays: number;
  readonly kmsKeyId: pulumi.Input<string>;
}

/** Logs outlive the stack where it is protected: they are the only witness of what went wrong. */
export function logGroup(
  name: string,
  { place, logGroupName, retentionDays, kmsKeyId }: LogGroupArgs,
  parent: pulumi.Resource,
): aws.cloudwatch.LogGroup {
  return new aws.cloudwatch.LogGroup(
    name,
    {
      name: logGroupName,
      retentionInDays: retentionDays,
      kmsKeyId,
      skipDestroy: place.protect,
    },
    { parent, protect: place.protect },
  );
}
