import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

import type { NodeGroupConfig } from "./nodes";
import type { Place } from "./place";

export interface LaunchTemplateArgs {
  readonly place: Place;
  readonly groupName: string;
  readonly amiType: NodeGroupConfig["amiType"];
  readonly diskGiB: number;
  readonly securityGroupId: pulumi.Input<string>;
  readonly keyArn: pulumi.Input<string>;
}

/** How a node of a group is started. */
export function launchTemplate(
  name: string,
  args: LaunchTemplateArgs,
  parent: pulumi.Resource,
): aws.ec2.LaunchTemplate {
  const { place, groupName } = args;
  const tags = { ...place.tags, Name: `${place.clusterName}-${groupName}` };
  return new aws.ec2.LaunchTemplate(
    name,
    {
      description: `Nodes of the group ${groupName} of ${place.clusterName}`,
      updateDefaultVersion: true,
      metadataOptions: nodeMetadata,
      monitoring: { enabled: true },
      networkInterfaces: [
        {
          deviceIndex: 0,
          associatePublicIpAddress: "false",
          deleteOnTermination: "true",
          // A template that names its interfaces gets no security group from EKS.
          securityGroups: [args.securityGroupId],
        },
      ],
      blockDeviceMappings: disks(args),
      // The provider's default tags do not reach what a template starts.
      tagSpecifications: ["instance", "volume", "network-interface"].map((resourceType) => ({
        resourceType,
        tags,
      })),
    },
    { parent },
  );
}

/** Tokens only, and no further than the node itself: with one hop more, each pod could be the node. */
export const nodeMetadata = {
  httpEndpoint: "enabled",
  httpTokens: "required",
  httpPutResponseHopLimit: 1,
  instanceMetadataTags: "disabled",
};

/** Bottlerocket has a small disk for itself, and keeps images and logs on a second one. */
function disks({ amiType, diskGiB, keyArn }: LaunchTemplateArgs) {
  const disk = (deviceName: string, volumeSize: number) => ({
    deviceName,
    ebs: {
      volumeSize,
      volumeType: "gp3",
      encrypted: "true",
      kmsKeyId: keyArn,
      deleteOnTermination: "true",
    },
  });
  return amiType.startsWith("BOTTLEROCKET")
    ? [disk("/dev/xvda", 4), disk("/dev/xvdb", diskGiB)]
    : [disk("/dev/xvda", diskGiB)];
}
