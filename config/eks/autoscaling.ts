import { z } from "zod";

import { cpu, memory } from "../fields";

const none = z
  .strictObject({
    kind: z.literal("none").meta({ description: "The groups keep their size." }),
  })
  .meta({ description: "No node is added or removed." });

const karpenter = z
  .strictObject({
    kind: z.literal("karpenter").meta({
      description: "Karpenter, run in the cluster, adds the nodes that pods wait for.",
    }),
    architectures: z
      .array(z.enum(["amd64", "arm64"]))
      .min(1, { error: "one or both of amd64, arm64" })
      .default(["amd64"])
      .meta({
        description: "Architectures of the nodes; every image must be built for each of them.",
        examples: [["amd64"]],
      }),
    capacity: z
      .array(z.enum(["onDemand", "spot"]))
      .min(1, { error: "one or both of onDemand, spot" })
      .default(["onDemand"])
      .meta({
        description:
          "How instances are bought; with both, spot where there is some. Spot costs some 60 to 70 % less and is taken " +
          "away with two minutes' notice, in which Karpenter drains the node.",
        examples: [["spot", "onDemand"]],
      }),
    cpuLimit: cpu()
      .default("64")
      .meta({
        description: "Most CPU of all its nodes together: it bounds what a runaway workload costs.",
        examples: ["64"],
      }),
    memoryLimit: memory()
      .default("256Gi")
      .meta({
        description: "Most memory of all its nodes together.",
        examples: ["256Gi"],
      }),
    expireAfterHours: z
      .int()
      .min(24)
      .max(8760)
      .default(336)
      .meta({
        description:
          "Hours after which a node is replaced by one with the AMI that is pinned then; no node grows old unpatched.",
        examples: [336],
      }),
  })
  .meta({ description: "Nodes as pods need them, of any type that fits." });

const autoMode = z
  .strictObject({
    kind: z.literal("autoMode").meta({
      description: "EKS runs nodes, volumes and load balancers itself.",
    }),
  })
  .meta({
    description:
      "EKS Auto Mode. Choose it at creation: switching to or from it later changes every StorageClass and load balancer. " +
      "It costs about 12 % of the on-demand price of its instances on top (us-east-1, 2026-08).",
  });

export const autoscalingSchema = z
  .discriminatedUnion("kind", [none, karpenter, autoMode])
  .default({ kind: "none" })
  .meta({
    description: "Who adds nodes as load grows.",
    examples: [{ kind: "karpenter" }],
  });
