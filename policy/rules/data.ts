import { rule, texts } from "../rule";

/** Types whose deletion loses what no program can make again. */
const STATEFUL = [
  "core/PersistentVolumeClaim",
  "core/PersistentVolume",
  "apps/StatefulSet",
  "eks:index:Cluster",
  "aws:eks/cluster:Cluster",
  "aws:kms/key:Key",
  "aws:s3/bucket:Bucket",
  "aws:s3/bucketV2:BucketV2",
  "aws:efs/fileSystem:FileSystem",
  "aws:ebs/volume:Volume",
  "aws:ecr/repository:Repository",
  "aws:rds/instance:Instance",
  "aws:rds/cluster:Cluster",
  "aws:dynamodb/table:Table",
];

export const data = [
  rule({
    id: "stateful-protected",
    title: "What holds data is protected from deletion.",
    severity: "high",
    applies: STATEFUL,
    why: "A renamed resource is a deleted one; Pulumi refuses that where protect is set.",
    references: ["Pulumi documentation: protect", "AWS FSBP RDS.8"],
    fix: "Set the resource option protect to true.",
    parameters: {
      exempt: texts([], "Names in the program of resources that may be deleted."),
    },
    *check(resource, { exempt }) {
      if (resource.protect || exempt.includes(resource.name)) return;
      yield resource.finding("options.protect", "must be true");
    },
  }),
  rule({
    id: "storage-class-safe",
    title: "Volumes made on demand are encrypted and placed where their pod runs.",
    severity: "high",
    applies: ["storage.k8s.io/StorageClass"],
    why: "An unencrypted disk can be read from its snapshot; one in another zone than its pod cannot be mounted.",
    references: ["AWS FSBP EC2.3", "EKS best-practices guide: data plane"],
    fix: 'Set parameters.encrypted to "true" and volumeBindingMode to WaitForFirstConsumer.',
    *check(resource) {
      const provisioner = resource.at("provisioner").text ?? "";
      if (!/^ebs\.csi\.(?:eks\.amazonaws|aws)\.com$/.test(provisioner)) return;
      yield* resource.at("parameters", "encrypted").mustBe("true");
      yield* resource.at("volumeBindingMode").mustBe("WaitForFirstConsumer");
    },
  }),
  rule({
    id: "claim-storage-class-set",
    title: "A claim names its storage class.",
    severity: "medium",
    applies: ["core/PersistentVolumeClaim", "apps/StatefulSet"],
    why: "The cluster's default class may be another one tomorrow, unencrypted or of the wrong kind.",
    references: ["Kubernetes documentation: storage classes"],
    fix: "Set spec.storageClassName (of spec.volumeClaimTemplates[] in a StatefulSet).",
    *check(resource) {
      const claims =
        resource.kind === "apps/StatefulSet"
          ? resource.at("spec", "volumeClaimTemplates").items()
          : [resource.at()];
      for (const claim of claims) yield* claim.at("spec", "storageClassName").mustBeSet();
    },
  }),
] as const;
