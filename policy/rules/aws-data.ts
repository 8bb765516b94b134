import { Field } from "../field";
import { like } from "../logic";
import type { Resource, Stack } from "../resource";
import { integer, rule, texts } from "../rule";
import {
  allows,
  CLUSTERS,
  LAUNCH_TEMPLATE,
  listed,
  NODE_GROUP,
  parsedJson,
  statements,
} from "../views/aws";

const BUCKETS = ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"];
const BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
const BLOCKED = [
  "blockPublicAcls",
  "blockPublicPolicy",
  "ignorePublicAcls",
  "restrictPublicBuckets",
];
const FILE_SYSTEM = "aws:efs/fileSystem:FileSystem";

export const awsData = [
  rule({
    id: "ecr-hardened",
    title: "A registry scans images, lets no tag move, and is encrypted with a key of its own.",
    severity: "high",
    applies: ["aws:ecr/repository:Repository"],
    why: "A moved tag brings another program into every restarted pod.",
    references: ["CIS EKS 5.1.1", "AWS FSBP ECR.1", "AWS FSBP ECR.2", "CKV_AWS_51", "CKV_AWS_136"],
    fix: "Set imageScanningConfiguration.scanOnPush, imageTagMutability IMMUTABLE and encryptionConfigurations[].encryptionType KMS.",
    *check(resource) {
      yield* resource.at("imageScanningConfiguration", "scanOnPush").mustBe(true);
      yield* resource.at("imageTagMutability").mustBe("IMMUTABLE");
      yield* resource.at("encryptionConfigurations", 0, "encryptionType").mustBe("KMS");
    },
  }),
  rule({
    id: "kms-key-hardened",
    title: "A key is rotated, keeps its safety check, and is not gone within days.",
    severity: "high",
    applies: ["aws:kms/key:Key"],
    why: "A lost key is lost data; a lockout cannot be undone without AWS.",
    references: ["AWS FSBP KMS.4", "CIS AWS 3.6", "CKV_AWS_7", "CKV2_AWS_64"],
    fix: "Set enableKeyRotation to true and deletionWindowInDays; remove bypassPolicyLockoutSafetyCheck.",
    parameters: { days: integer(7, "Fewest days between the deletion and its end.", 7) },
    *check(resource, { days }) {
      yield* resource.at("enableKeyRotation").mustBe(true);
      yield* resource.at("bypassPolicyLockoutSafetyCheck").mustNotBe(true);
      const enough = (value: unknown) => value === undefined || Number(value) >= days;
      yield* resource.at("deletionWindowInDays").must(enough, `must be at least ${days}`);
    },
  }),
  rule({
    id: "kms-key-policy-named",
    title: "The policy of a key names who may use it.",
    severity: "critical",
    applies: ["aws:kms/key:Key"],
    why: "A principal * without a condition lets any account use the key.",
    references: ["AWS FSBP KMS.5", "CKV_AWS_33"],
    fix: "Name accounts or services in policy.Statement[].Principal, or add a Condition.",
    *check(resource) {
      for (const statement of statements(resource.at("policy")).filter(allows)) {
        const principal = statement.at("Principal");
        const everybody = principal.value === "*" || listed(principal.at("AWS")).includes("*");
        if (everybody && statement.at("Condition").isAbsent) {
          yield principal.finding("must not be everybody");
        }
      }
    },
  }),
  rule({
    id: "bucket-private",
    title: "No bucket can be made public, and none is deleted with its contents.",
    severity: "critical",
    applies: BUCKETS,
    why: "One wrong policy publishes everything in it.",
    references: ["AWS FSBP S3.1", "AWS FSBP S3.8", "CKV2_AWS_6"],
    fix: "Declare an aws.s3.BucketPublicAccessBlock with all four switches true; remove acl and forceDestroy.",
    *checkStack(stack) {
      for (const bucket of stack.of(...BUCKETS)) {
        const [block] = ofBucket(stack, bucket, BLOCK);
        if (block === undefined) yield bucket.finding("id", "must have a BucketPublicAccessBlock");
        const open = BLOCKED.filter(
          (key) => (block?.at(key).must((on) => on === true, "") ?? []).length > 0,
        );
        if (open.length > 0) yield bucket.finding("id", `must block by ${open.join(", ")}`);
        yield* bucket.at("forceDestroy").mustNotBe(true);
        yield* bucket.at("acl").must((acl) => !like(/^public-/)(acl), "must not be public");
      }
    },
  }),
  rule({
    id: "bucket-versioned",
    title: "A bucket keeps former versions of its objects.",
    severity: "medium",
    applies: BUCKETS,
    why: "What is overwritten or encrypted by an intruder is lost otherwise.",
    references: ["AWS FSBP S3.14", "CKV_AWS_21"],
    fix: "Declare an aws.s3.BucketVersioning with versioningConfiguration.status Enabled.",
    *checkStack(stack) {
      const kinds = [
        "aws:s3/bucketVersioning:BucketVersioning",
        "aws:s3/bucketVersioningV2:BucketVersioningV2",
      ];
      for (const bucket of stack.of(...BUCKETS)) {
        const own = bucket.at("versioning", "enabled");
        const status = ofBucket(stack, bucket, ...kinds).map((one) =>
          one.at("versioningConfiguration", "status"),
        );
        if (own.isUnknown || own.value === true) continue;
        if (status.some((one) => one.isUnknown || one.value === "Enabled")) continue;
        yield bucket.finding("id", "must have a BucketVersioning that is Enabled");
      }
    },
  }),
  rule({
    id: "efs-encrypted",
    title: "A shared file system is encrypted.",
    severity: "high",
    applies: [FILE_SYSTEM],
    why: "It cannot be encrypted later: only a new one can.",
    references: ["AWS FSBP EFS.1", "CKV_AWS_42"],
    fix: "Set encrypted to true.",
    *check(resource) {
      yield* resource.at("encrypted").mustBe(true);
    },
  }),
  rule({
    id: "aws-tags",
    title: "What costs money says whose it is.",
    severity: "low",
    applies: [
      ...CLUSTERS,
      NODE_GROUP,
      LAUNCH_TEMPLATE,
      ...BUCKETS,
      FILE_SYSTEM,
      "aws:ec2/vpc:Vpc",
      "aws:ec2/natGateway:NatGateway",
      "aws:kms/key:Key",
      "aws:ecr/repository:Repository",
    ],
    why: "Bills and incidents go to an owner by these tags.",
    references: ["Pulumi best practices: resource-tagging"],
    fix: "Set defaultTags of the AWS provider, or tags of the resource.",
    parameters: {
      required: texts(["project", "stack"], "Tags that every such resource must have."),
    },
    *check(resource, { required }) {
      // A state file need not tell the provider: then nothing is known of its default tags.
      if (resource.facts.provider === undefined) return;
      if (resource.urn.includes("eks:index:Cluster$")) return;
      const shared = defaultTags(resource);
      for (const tag of required) {
        if (shared === undefined || shared.includes(tag)) continue;
        yield* resource.at("tags", tag).mustBeSet();
      }
    },
  }),
] as const;

function ofBucket(stack: Stack, bucket: Resource, ...kinds: string[]): Resource[] {
  return stack.of(...kinds).filter((one) => stack.sources(one, "bucket").includes(bucket));
}

/** Keys of the provider's default tags, which reach us as JSON; undefined where they are not known yet. */
function defaultTags(resource: Resource): string[] | undefined {
  const field = resource.provider("defaultTags");
  if (field.isUnknown) return undefined;
  const { text } = field;
  const told = text === undefined ? field : new Field(field.origin, field.path, parsedJson(text));
  return told
    .at("tags")
    .entries()
    .map(([key]) => key);
}
