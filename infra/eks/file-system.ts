import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

import type { Place } from "./place";

export interface FileSystemArgs {
  readonly place: Place;
  readonly keyArn: pulumi.Input<string>;
  readonly vpcId: pulumi.Input<string>;
  /** By the name of the zone. */
  readonly subnetIds: Readonly<Record<string, pulumi.Input<string>>>;
  /** Security group of the nodes, which alone may mount it. */
  readonly clientSecurityGroupId: pulumi.Input<string>;
}

/** An EFS file system that pods of every zone can mount, backed up each day. */
export class FileSystem extends pulumi.ComponentResource {
  readonly fileSystemId: pulumi.Output<string>;

  constructor(name: string, args: FileSystemArgs, opts: pulumi.ComponentResourceOptions) {
    super("drydock:infra:FileSystem", name, {}, opts);
    const { place, keyArn, subnetIds } = args;
    const kept = { parent: this, protect: place.protect };
    const tags = { Name: place.clusterName };
    const fileSystem = new aws.efs.FileSystem(
      name,
      { encrypted: true, kmsKeyId: keyArn, throughputMode: "elastic", tags },
      kept,
    );
    new aws.efs.BackupPolicy(
      `${name}-backup`,
      { fileSystemId: fileSystem.id, backupPolicy: { status: "ENABLED" } },
      { parent: this },
    );
    const group = this.securityGroup(name, args);
    const targets = Object.entries(subnetIds).map(
      ([zone, subnetId]) =>
        new aws.efs.MountTarget(
          `${name}-${zone}`,
          { fileSystemId: fileSystem.id, subnetId, securityGroups: [group.id] },
          { parent: this },
        ),
    );
    // Whoever knows the id may mount: that takes the targets.
    this.fileSystemId = pulumi
      .all([fileSystem.id, ...targets.map((target) => target.id)])
      .apply(([id]) => id ?? "");
    this.registerOutputs({ fileSystemId: this.fileSystemId });
  }

  private securityGroup(name: string, { place, vpcId, clientSecurityGroupId }: FileSystemArgs) {
    const description = "NFS from the nodes to the file system";
    const tags = { Name: `${place.clusterName}-efs` };
    const group = new aws.ec2.SecurityGroup(name, { vpcId, description, tags }, { parent: this });
    new aws.vpc.SecurityGroupIngressRule(
      `${name}-nfs`,
      {
        securityGroupId: group.id,
        description: "NFS from the nodes",
        ipProtocol: "tcp",
        fromPort: 2049,
        toPort: 2049,
        referencedSecurityGroupId: clientSecurityGroupId,
      },
      { parent: this },
    );
    return group;
  }
}
