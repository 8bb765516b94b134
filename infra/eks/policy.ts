import * as pulumi from "@pulumi/pulumi";

import { clusterArn, type Place } from "./place";

type Values = pulumi.Input<string> | readonly pulumi.Input<string>[];

/** A statement of an IAM policy, in the words of AWS. */
export interface Statement {
  readonly Sid: string;
  readonly Effect?: "Allow" | "Deny";
  readonly Principal?: "*" | Readonly<Record<string, Values>>;
  readonly Action: string | readonly string[];
  readonly Resource?: Values;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, Values>>>>;
}

/** A policy document as text; a plain one where all of it is known, so that previews show it. */
export function policy(statements: readonly Statement[]): pulumi.Input<string> {
  const document = {
    Version: "2012-10-17",
    Statement: statements.map((statement) => ({ Effect: "Allow", ...statement })),
  };
  return isPlain(document) ? JSON.stringify(document) : pulumi.jsonStringify(document);
}

/** Whether all of it is known before anything exists. */
export function isPlain(value: unknown): boolean {
  if (pulumi.Output.isInstance(value) || value instanceof Promise) return false;
  return typeof value !== "object" || value === null || Object.values(value).every(isPlain);
}

/** Lets a service of AWS take on the role, for resources of this account only. */
export function serviceTrust(
  service: string,
  { accountId, condition = {} }: { accountId?: string; condition?: Statement["Condition"] } = {},
): Statement {
  const ownAccount =
    accountId === undefined ? {} : { StringEquals: { "aws:SourceAccount": accountId } };
  const all = { ...ownAccount, ...condition };
  return {
    Sid: "TrustService",
    Principal: { Service: service },
    Action: "sts:AssumeRole",
    ...(Object.keys(all).length === 0 ? {} : { Condition: all }),
  };
}

/** One service account of one cluster: no other pod gets the role, whatever associations are made. */
export function podTrust(
  place: Place,
  account: { readonly namespace: string; readonly serviceAccount: string },
): Statement {
  return {
    Sid: "TrustPod",
    Principal: { Service: "pods.eks.amazonaws.com" },
    Action: ["sts:AssumeRole", "sts:TagSession"],
    Condition: {
      StringEquals: {
        "aws:SourceAccount": place.accountId,
        "aws:RequestTag/eks-cluster-arn": clusterArn(place),
        "aws:RequestTag/kubernetes-namespace": account.namespace,
        "aws:RequestTag/kubernetes-service-account": account.serviceAccount,
      },
    },
  };
}

/** What a principal needs to have its volumes encrypted with a key. */
export function volumeKeyUse(keyArn: pulumi.Input<string>): Statement[] {
  return [
    {
      Sid: "UseVolumeKey",
      Action: ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"],
      Resource: keyArn,
    },
    {
      Sid: "GrantVolumeKeyToEc2",
      Action: "kms:CreateGrant",
      Resource: keyArn,
      Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
    },
  ];
}
