import { z } from "zod";

import { dnsLabel, text } from "../fields";
import { eksKubernetesVersions, pinnedKubernetesVersion } from "../kubernetes-versions";
import { accessSchema, apiSchema } from "./access";
import { autoscalingSchema } from "./autoscaling";
import { cidr, region, roleArn, tagKey, tagValue } from "./fields";
import { networkSchema } from "./network";
import { nodesSchema } from "./nodes";

const encryption = z
  .strictObject({
    deletionWindowDays: z
      .int()
      .min(7)
      .max(30)
      .default(30)
      .meta({
        description:
          "Days from the deletion of a key until nothing that it encrypted can be read again; until then it can be " +
          "taken back. Each of the two keys costs 1 USD a month (us-east-1, 2026-08).",
        examples: [30],
      }),
  })
  .meta({ description: "The keys for secrets and logs, and for volumes and images." });

const storage = z
  .strictObject({
    reclaimPolicy: z
      .enum(["Retain", "Delete"])
      .default("Retain")
      .meta({
        description:
          "What becomes of a volume whose claim is deleted. `Retain` keeps the data, and its cost of 0.08 USD a GiB and " +
          "month (gp3, us-east-1, 2026-08), until someone deletes it.",
      }),
    sharedFileSystem: z
      .boolean()
      .default(false)
      .meta({
        description:
          "Whether there is an EFS file system for volumes that several pods write at once, with a StorageClass " +
          "`efs`. 0.30 USD a GiB and month (us-east-1, 2026-08). false: none.",
      }),
  })
  .meta({ description: "Volumes: an encrypted gp3 StorageClass is always there, as the default." });

const secrets = z
  .strictObject({
    externalStore: z
      .boolean()
      .default(false)
      .meta({
        description:
          "Whether pods can mount entries of AWS Secrets Manager and Parameter Store as files, by the Secrets Store CSI " +
          "driver and AWS's provider for it: what they hold then lies neither in the stack's state nor in etcd. The pod " +
          "names them in a SecretProviderClass with `usePodIdentity`, and its own role must allow reading them. Not on " +
          "Fargate. 0.40 USD a secret and month (us-east-1, 2026-08).",
      }),
  })
  .meta({
    description: "Where workloads may take their secrets from, beside Kubernetes' own Secrets.",
  });

const loadBalancer = z
  .strictObject({
    scheme: z
      .enum(["internal", "internetFacing"])
      .default("internal")
      .meta({
        description:
          "Whether Network Load Balancers of Services are reachable from the VPC only or from the internet. Each costs " +
          "0.0225 USD an hour (16 USD a month) and what passes through it (us-east-1, 2026-08).",
      }),
    sourceCidrs: z
      .array(cidr())
      .default([])
      .meta({
        description: "Addresses that may connect. Empty: all that reach it.",
        examples: [["203.0.113.0/24"]],
      }),
  })
  .meta({ description: "What a Service of type LoadBalancer gets." });

const registry = z
  .strictObject({
    keepImages: z
      .int()
      .min(1)
      .max(1000)
      .default(30)
      .meta({
        description:
          "Newest images kept in each repository; a rollback reaches no further. 0.10 USD a GB and month (us-east-1, 2026-08).",
        examples: [30],
      }),
  })
  .meta({ description: "Repositories for the images of this project's apps." });

/** The variant `eks` of section `drydock:cluster`. */
export const eksSchema = z
  .strictObject({
    kind: z.literal("eks").meta({
      description:
        "A cluster on AWS. The control plane costs 0.10 USD an hour (73 USD a month; us-east-1, 2026-08).",
    }),
    name: dnsLabel(100).meta({
      description:
        "Name of the cluster, unique in the account and region. A changed name replaces the cluster, with the data in it.",
      examples: ["drydock-prod"],
    }),
    region: region().meta({
      description: "Region of AWS: the stack's `aws:region`.",
      examples: ["eu-central-1"],
      suppliedBy: "aws:region",
    }),
    kubernetesVersion: z
      .enum(eksKubernetesVersions)
      .default(pinnedKubernetesVersion)
      .meta({
        description:
          "Minor version of the control plane, in quotes; one that EKS has in standard support. It only goes up, one minor " +
          "at a time. Support type is STANDARD: at its end AWS upgrades, instead of charging 0.60 USD an hour " +
          "(us-east-1, 2026-08).",
      }),
    upgradeFrom: text(/^1\.\d{2}$/, 'a minor version in quotes ("1.35")')
      .optional()
      .meta({
        description:
          "Minor version that the control plane runs now, in quotes. With it a skipped minor is refused before AWS is asked.",
        examples: ["1.35"],
      }),
    deployerRoleArn: roleArn().meta({
      description:
        "Role that Pulumi assumes, whoever runs it: it creates everything, is administrator of the cluster by an access " +
        "entry of its own, and names the one account that this stack may touch.",
      examples: ["arn:aws:iam::111122223333:role/drydock-deployer"],
    }),
    access: accessSchema,
    api: apiSchema.prefault({}),
    network: networkSchema.prefault({}),
    encryption: encryption.prefault({}),
    nodes: nodesSchema.prefault({}),
    autoscaling: autoscalingSchema,
    loadBalancer: loadBalancer.prefault({}),
    storage: storage.prefault({}),
    secrets: secrets.prefault({}),
    registry: registry.prefault({}),
    protect: z
      .boolean()
      .default(true)
      .meta({
        description:
          "Whether neither Pulumi nor AWS deletes the cluster, its keys, logs, images and file system. To destroy the " +
          "stack, set it to false and run `pulumi up` first.",
      }),
    tags: z
      .record(tagKey(), tagValue().meta({ description: "Value of the tag." }))
      .default({})
      .meta({ description: "Tags of every AWS resource, beside `drydock/cluster`." }),
  })
  .meta({ description: "A Kubernetes cluster on Amazon EKS, with all that belongs to it." });

export type EksConfig = z.output<typeof eksSchema>;
