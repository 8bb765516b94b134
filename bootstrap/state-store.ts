import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

import { policy, type Statement } from "../infra/eks/policy";
import type { StateConfig } from "./config";

/**
 * A bucket for Pulumi's state and a key for the secrets in it. Both are kept from deletion, old states
 * can be taken back, and nobody reads or writes without TLS.
 */
export class StateStore extends pulumi.ComponentResource {
  /** For `pulumi login`. */
  readonly backendUrl: string;
  /** For `pulumi stack init --secrets-provider`. */
  readonly secretsProvider: string;

  constructor(
    private readonly label: string,
    private readonly args: StateConfig,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("drydock:bootstrap:StateStore", label, {}, opts);
    const { bucketName, region, deployerRoleArn } = args;
    const [, , , , accountId = ""] = deployerRoleArn.split(":");
    const provider = new aws.Provider(
      `${label}-aws`,
      {
        region: region as aws.Region,
        allowedAccountIds: [accountId],
        defaultTags: { tags: { "drydock/managed-by": "pulumi", "drydock/purpose": "state" } },
      },
      { parent: this },
    );
    const onAws = { parent: this, provider };
    const alias = `alias/${bucketName}`;
    const key = this.key(alias, onAws);
    this.bucket(key, onAws);

    this.backendUrl = `s3://${bucketName}?region=${region}&awssdk=v2`;
    this.secretsProvider = `awskms://${alias}?region=${region}&awssdk=v2`;
    this.registerOutputs({ backendUrl: this.backendUrl, secretsProvider: this.secretsProvider });
  }

  private key(alias: string, onAws: pulumi.CustomResourceOptions): aws.kms.Key {
    const key = new aws.kms.Key(
      `${this.label}-key`,
      {
        description: "Pulumi's state, and the secrets in it",
        enableKeyRotation: true,
        deletionWindowInDays: 30,
        policy: policy(keyStatements(this.args.deployerRoleArn)),
      },
      { ...onAws, protect: true },
    );
    new aws.kms.Alias(
      `${this.label}-key-alias`,
      { name: alias, targetKeyId: key.keyId },
      // Stacks name the key by it.
      { ...onAws, protect: true },
    );
    return key;
  }

  private bucket(key: aws.kms.Key, onAws: pulumi.CustomResourceOptions): void {
    const { bucketName, oldVersionDays } = this.args;
    const name = `${this.label}-bucket`;
    const { id: bucket } = new aws.s3.Bucket(
      name,
      { bucket: bucketName, forceDestroy: false },
      { ...onAws, protect: true },
    );
    new aws.s3.BucketVersioning(
      `${name}-versioning`,
      { bucket, versioningConfiguration: { status: "Enabled" } },
      onAws,
    );
    new aws.s3.BucketServerSideEncryptionConfiguration(
      `${name}-encryption`,
      { bucket, rules: [encryptedWith(key.arn)] },
      onAws,
    );
    const closed = new aws.s3.BucketPublicAccessBlock(
      `${name}-private`,
      {
        bucket,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      onAws,
    );
    new aws.s3.BucketOwnershipControls(
      `${name}-ownership`,
      { bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
      onAws,
    );
    new aws.s3.BucketLifecycleConfiguration(
      `${name}-lifecycle`,
      { bucket, rules: [forgetOldVersions(oldVersionDays)] },
      onAws,
    );
    new aws.s3.BucketPolicy(
      `${name}-policy`,
      { bucket, policy: policy(bucketStatements(this.args)) },
      { ...onAws, dependsOn: [closed] },
    );
  }
}

function encryptedWith(kmsMasterKeyId: pulumi.Input<string>) {
  return {
    applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId },
    bucketKeyEnabled: true,
  };
}

/** Never a current version: a lock that vanished by itself would let two updates run at once. */
function forgetOldVersions(noncurrentDays: number) {
  return {
    id: "forget-old-versions",
    status: "Enabled",
    filter: { prefix: "" },
    noncurrentVersionExpiration: { noncurrentDays },
    abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
  };
}

function keyStatements(deployerRoleArn: string): Statement[] {
  const [, partition = "", , , accountId = ""] = deployerRoleArn.split(":");
  return [
    {
      Sid: "OwnedByAccount",
      Principal: { AWS: `arn:${partition}:iam::${accountId}:root` },
      Action: "kms:*",
      Resource: "*",
    },
    {
      Sid: "ReadAndWriteState",
      Principal: { AWS: deployerRoleArn },
      Action: ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
      Resource: "*",
    },
  ];
}

/** The deployer may replace a state and remove its lock, and may not make the past unreadable. */
function bucketStatements({ bucketName, deployerRoleArn }: StateConfig): Statement[] {
  const [, partition = ""] = deployerRoleArn.split(":");
  const bucket = `arn:${partition}:s3:::${bucketName}`;
  return [
    {
      Sid: "EncryptedTransportOnly",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: [bucket, `${bucket}/*`],
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
    {
      Sid: "KeepOldStates",
      Effect: "Deny",
      Principal: { AWS: deployerRoleArn },
      Action: [
        "s3:DeleteBucket",
        "s3:DeleteObjectVersion",
        "s3:PutBucketPolicy",
        "s3:PutBucketVersioning",
        "s3:PutLifecycleConfiguration",
      ],
      Resource: [bucket, `${bucket}/*`],
    },
    {
      Sid: "ReadAndWriteState",
      Principal: { AWS: deployerRoleArn },
      Action: ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
      Resource: `${bucket}/*`,
    },
    {
      Sid: "ListStates",
      Principal: { AWS: deployerRoleArn },
      Action: ["s3:GetBucketLocation", "s3:ListBucket"],
      Resource: bucket,
    },
  ];
}
