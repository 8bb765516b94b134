import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** The default class. */
export const STORAGE_CLASS = "gp3";
const SHARED_CLASS = "efs";

export interface StorageArgs {
  readonly keyArn: pulumi.Input<string>;
  /** What becomes of a volume whose claim is deleted. */
  readonly reclaimPolicy: "Retain" | "Delete";
  /** EKS itself makes the volumes, with a driver of another name. */
  readonly autoMode: boolean;
  /** Of the EFS file system; undefined: there is none. */
  readonly fileSystemId: pulumi.Input<string> | undefined;
}

/** Classes of volumes: a disk of one's own in the pod's zone, and on request one that pods share. */
export class Storage extends pulumi.ComponentResource {
  constructor(name: string, args: StorageArgs, opts: pulumi.ComponentResourceOptions) {
    super("drydock:infra:Storage", name, {}, opts);
    const { keyArn, reclaimPolicy, autoMode, fileSystemId } = args;
    new k8s.storage.v1.StorageClass(
      `${name}-${STORAGE_CLASS}`,
      {
        metadata: {
          name: STORAGE_CLASS,
          annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
        },
        provisioner: autoMode ? "ebs.csi.eks.amazonaws.com" : "ebs.csi.aws.com",
        parameters: { type: "gp3", encrypted: "true", kmsKeyId: keyArn },
        reclaimPolicy,
        allowVolumeExpansion: true,
        // A volume made before its pod has a node may lie in another zone.
        volumeBindingMode: "WaitForFirstConsumer",
      },
      { parent: this },
    );
    if (fileSystemId !== undefined) {
      new k8s.storage.v1.StorageClass(
        `${name}-${SHARED_CLASS}`,
        {
          metadata: { name: SHARED_CLASS },
          provisioner: "efs.csi.aws.com",
          parameters: { provisioningMode: "efs-ap", fileSystemId, directoryPerms: "700" },
          mountOptions: ["tls"],
          reclaimPolicy,
          volumeBindingMode: "Immediate",
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
