import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

import { accountRoot, arn, type Place } from "./place";
import { policy, type Statement } from "./policy";

export interface EncryptionKeyArgs {
  readonly place: Place;
  readonly description: string;
  /** Days, 7 to 30. */
  readonly deletionWindowDays: number;
  /** Rights beside those that the account's IAM policies give. */
  readonly statements: readonly Statement[];
}

/** A key of one's own, replaced inside every year, and kept from deletion where the stack is. */
export class EncryptionKey extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: EncryptionKeyArgs, opts: pulumi.ComponentResourceOptions) {
    super("drydock:infra:EncryptionKey", name, {}, opts);
    const { place, description, deletionWindowDays, statements } = args;
    const key = new aws.kms.Key(
      name,
      {
        description,
        enableKeyRotation: true,
        deletionWindowInDays: deletionWindowDays,
        policy: policy([ownedByAccount(place), ...statements]),
      },
      { parent: this, protect: place.protect },
    );
    new aws.kms.Alias(
      `${name}-alias`,
      { name: `alias/${place.clusterName}/${name}`, targetKeyId: key.keyId },
      { parent: this },
    );
    this.arn = key.arn;
    this.registerOutputs({ arn: this.arn });
  }
}

/** Without it nobody could ever change the key again. */
function ownedByAccount(place: Place): Statement {
  return {
    Sid: "OwnedByAccount",
    Principal: { AWS: accountRoot(place) },
    Action: "kms:*",
    Resource: "*",
  };
}

/** Lets CloudWatch Logs encrypt the log groups of the given names, and no other. */
export function logKeyUse(place: Place, logGroups: readonly string[]): Statement {
  return {
    Sid: "EncryptLogs",
    Principal: { Service: `logs.${place.region}.amazonaws.com` },
    // Not DescribeKey: it has no encryption context, so that the condition would never let it.
    Action: ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"],
    Resource: "*",
    Condition: {
      // A text to KMS, whatever it says.
      StringEquals: {
        "kms:EncryptionContext:aws:logs:arn": logGroups.map((name) =>
          arn(place, "logs", `log-group:${name}`),
        ),
      },
    },
  };
}

/** EC2 Auto Scaling starts the nodes of managed groups with a role of its own, which no IAM policy reaches. */
export function autoScalingKeyUse(place: Place): Statement[] {
  const Principal = {
    AWS: arn(
      place,
      "iam",
      "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
      { region: "" },
    ),
  };
  return [
    {
      Sid: "StartNodes",
      Principal,
      Action: [
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:ReEncrypt*",
        "kms:GenerateDataKey*",
        "kms:DescribeKey",
      ],
      Resource: "*",
    },
    {
      Sid: "AttachVolumesOfNodes",
      Principal,
      Action: "kms:CreateGrant",
      Resource: "*",
      Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
    },
  ];
}
