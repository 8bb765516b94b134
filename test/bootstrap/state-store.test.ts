import * as fs from "node:fs";
import * as path from "node:path";

import { beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";

import { parseState } from "../../bootstrap/config";
import { awsModel } from "../../review/recording/models/aws";
import { type RecordedResource, textOf } from "../../review/recording/recorded";
import type { Recording } from "../../review/recording/recorder";
import { record, recordBoth } from "../../review/recording/recording";
import { programConfig, root } from "../../review/recording/stack-file";
import { title } from "../support/stacks";

function recordBootstrap(mode: "preview" | "update"): Promise<Recording> {
  const text = fs.readFileSync(path.join(root, "bootstrap/Pulumi.state.yaml"), "utf8");
  const { config } = parse(text) as { config: Record<string, unknown> };
  vi.resetModules();
  return record(async () => (await import("../../bootstrap/index.js")).default(), {
    mode,
    project: "drydock-bootstrap",
    stack: "state",
    model: { resources: awsModel, functions: {} },
    config: programConfig(config),
  });
}

let update: Recording;
let preview: Recording;
beforeAll(async () => ({ update, preview } = await recordBoth(recordBootstrap)));

function one(type: string): RecordedResource {
  const found = update.resources.filter((each) => each.type.endsWith(`:${type}`));
  const [first, second] = found;
  if (first === undefined || second !== undefined) throw new Error(`${found.length} are ${type}`);
  return first;
}

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Condition?: unknown;
}
const statements = (type: string, recording = update) => {
  const found = recording.resources.find((each) => each.type.endsWith(`:${type}`));
  return (JSON.parse(textOf(found?.inputs.policy)) as { Statement: Statement[] }).Statement;
};

describe("the store of states", () => {
  it("tells Pulumi where it is", () => {
    expect(update.outputs).toEqual({
      backendUrl: "s3://drydock-state-111122223333?region=eu-central-1&awssdk=v2",
      secretsProvider: "awskms://alias/drydock-state-111122223333?region=eu-central-1&awssdk=v2",
    });
  });

  it("keeps bucket and key from deletion", () => {
    const kept = update.resources.filter(({ options }) => options.protect).map(title);
    expect(kept).toEqual([
      "aws:kms/alias:Alias state-key-alias",
      "aws:kms/key:Key state-key",
      "aws:s3/bucket:Bucket state-bucket",
    ]);
    expect(one("Bucket").inputs.forceDestroy).toBe(false);
  });

  it("is versioned, encrypted with its own key, and closed", () => {
    expect(one("BucketVersioning").inputs.versioningConfiguration).toEqual({ status: "Enabled" });
    expect(one("BucketServerSideEncryptionConfiguration").inputs.rules).toMatchObject([
      {
        applyServerSideEncryptionByDefault: {
          sseAlgorithm: "aws:kms",
          kmsMasterKeyId: expect.stringContaining("state-key") as string,
        },
      },
    ]);
    expect(one("BucketPublicAccessBlock").inputs).toMatchObject({
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    expect(one("Key").inputs).toMatchObject({ enableKeyRotation: true, deletionWindowInDays: 30 });
  });

  it("lets no lock expire, and old states only", () => {
    const rules = one("BucketLifecycleConfiguration").inputs.rules as Record<string, unknown>[];
    expect(rules).toMatchObject([{ noncurrentVersionExpiration: { noncurrentDays: 90 } }]);
    expect(rules.filter(({ expiration }) => expiration !== undefined)).toEqual([]);
    const allowed = statements("BucketPolicy").filter(({ Effect }) => Effect === "Allow");
    expect(allowed.flatMap(({ Action }) => Action)).toContain("s3:DeleteObject");
  });

  it("refuses what comes without TLS, and a deployer that would destroy the past", () => {
    const denied = statements("BucketPolicy").filter(({ Effect }) => Effect === "Deny");
    expect(denied).toMatchObject([
      { Action: "s3:*", Condition: { Bool: { "aws:SecureTransport": "false" } } },
      {
        Action: expect.arrayContaining(["s3:DeleteObjectVersion", "s3:PutBucketVersioning"]) as [],
      },
    ]);
  });

  it("shows its policies in the first preview", () => {
    expect(statements("BucketPolicy", preview)).toEqual(statements("BucketPolicy"));
    expect(statements("Key", preview)).toEqual(statements("Key"));
  });

  it("has one provider, which stays in its account", () => {
    const provider = one("aws");
    expect(provider.inputs.allowedAccountIds).toBe('["111122223333"]');
    const users = update.resources.filter(({ type }) => type.startsWith("aws:"));
    expect(users.filter((each) => each.provider !== provider.urn).map(title)).toEqual([]);
    expect(users.length).toBe(9);
  });
});

describe("a wrong configuration of the store", () => {
  it("is refused with all its problems", () => {
    const parsing = () => parseState({ bucketName: "State", oldVersionDays: 1 }, undefined);
    expect(parsing).toThrow(`The stack's configuration has 4 problems:
  drydock-bootstrap:state.bucketName = "State"
    rule: must be a name of 3 to 63 lower-case letters, digits and hyphens
    fix:  change it, for example: "drydock-state-111122223333"
  drydock-bootstrap:state.deployerRoleArn
    rule: is missing; it must be the ARN of an IAM role, its name of at most 64 characters (arn:aws:iam::111122223333:role/name)
    fix:  add it, for example: "arn:aws:iam::111122223333:role/drydock-deployer"
  drydock-bootstrap:state.oldVersionDays = 1
    rule: must be a whole number from 7 to 3650
    fix:  change it, or remove it for the default, 90
  drydock-bootstrap:state.region
    rule: is missing; it must be a region of AWS ("eu-central-1"), as \`aws:region\`
    fix:  add it as aws:region, for example: "eu-central-1"`);
  });
});
