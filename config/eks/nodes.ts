import { z } from "zod";

import { dnsLabel, text } from "../fields";
import { eksKubernetesVersions } from "../kubernetes-versions";
import { instanceType, NAME_PART } from "./fields";

const label = () =>
  text(
    /^(?:[a-z0-9A-Z](?:[\w.-]{0,61}[a-z0-9A-Z])?)?$/,
    "a value that a Kubernetes label can have",
  );

const taint = z
  .strictObject({
    key: text(/^(?:[a-z0-9.-]+\/)?[\w.-]{1,63}$/, "a key of a taint").meta({
      description: "Key of the taint.",
      examples: ["CriticalAddonsOnly"],
    }),
    value: label().default("").meta({ description: "Value of the taint; empty: none." }),
    effect: z.enum(["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"]).meta({
      description: "What happens to pods that do not tolerate it.",
    }),
  })
  .meta({ description: "Keeps pods away that do not tolerate it." });

export const amiTypes = [
  "AL2023_x86_64_STANDARD",
  "AL2023_ARM_64_STANDARD",
  "BOTTLEROCKET_x86_64",
  "BOTTLEROCKET_ARM_64",
] as const;

const group = z
  .strictObject({
    amiType: z
      .enum(amiTypes)
      .default("AL2023_x86_64_STANDARD")
      .meta({
        description:
          "Operating system and architecture of the nodes. Bottlerocket has no shell and a read-only root; images must " +
          "be built for the architecture.",
      }),
    releaseVersion: text(
      /^\d+\.\d+\.\d+-[0-9a-f]{7,8}$/,
      "the release of an AMI (1.36.2-20260714; 1.64.0-1a2b3c4d for Bottlerocket)",
    )
      .optional()
      .meta({
        description:
          "Release of the AMI, so that nodes are replaced when this changes and at no other time. Default: the one that " +
          "this project pins for AL2023; Bottlerocket has none, so it must be named.",
        examples: ["1.36.2-20260714"],
      }),
    instanceTypes: z
      .array(instanceType())
      .min(1, { error: "1 to 20 types" })
      .max(20, { error: "1 to 20 types" })
      .meta({
        description:
          "Types of instance, in order of preference for on-demand capacity; several of one size make spot capacity " +
          "last. An m7i.large costs 0.1008 USD an hour (74 USD a month), a t3.medium 0.0416 (us-east-1, 2026-08).",
        examples: [["m7i.large"]],
      }),
    capacity: z.enum(["onDemand", "spot"]).default("onDemand").meta({
      description: "`spot` costs some 60 to 70 % less and is taken away with two minutes' notice.",
    }),
    minSize: z
      .int()
      .min(0)
      .max(450)
      .default(2)
      .meta({
        description: "Fewest nodes, and how many there are at first. 0: the group may be empty.",
        examples: [2],
      }),
    maxSize: z
      .int()
      .min(1)
      .max(450)
      .default(4)
      .meta({
        description: "Most nodes; it bounds what the group can cost.",
        examples: [4],
      }),
    diskGiB: z
      .int()
      .min(20)
      .max(16384)
      .default(50)
      .meta({
        description:
          "Size of each node's encrypted gp3 disk in GiB. 0.08 USD a GiB and month (us-east-1, 2026-08).",
        examples: [50],
      }),
    labels: z
      .record(
        text(/^(?:[a-z0-9.-]+\/)?[\w.-]{1,63}$/, "a key of a label"),
        label().meta({ description: "Value of the label." }),
      )
      .default({})
      .meta({ description: "Labels of the nodes." }),
    taints: z.array(taint).default([]).meta({ description: "Taints of the nodes; empty: none." }),
    maxUnavailablePercent: z
      .int()
      .min(1)
      .max(100)
      .default(33)
      .meta({
        description:
          "Share of the nodes that an update may replace at a time, in percent; disruption budgets of pods are kept.",
        examples: [33],
      }),
    autoRepair: z.boolean().default(true).meta({
      description: "Whether EKS replaces a node that is unhealthy. false: it stays until you do.",
    }),
  })
  .meta({ description: "A managed node group; it makes no node in a public subnet." });

export const nodesSchema = z
  .strictObject({
    kubernetesVersion: z
      .enum(eksKubernetesVersions)
      .optional()
      .meta({
        description:
          "Minor version of the kubelets, in quotes. Default: the control plane's. Hold it back while the control plane " +
          "is upgraded, and remove it for the nodes to follow.",
      }),
    groups: z
      .record(dnsLabel(NAME_PART), group)
      .default({})
      .meta({
        description:
          "Managed node groups by name. At least one must be on demand and open to the cluster's own add-ons, unless " +
          "`autoscaling.kind` is autoMode.",
      }),
  })
  .meta({ description: "Nodes that are always there." });
