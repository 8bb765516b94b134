import { z } from "zod";

import { cpu, memory } from "./fields";

const none = z
  .strictObject({
    kind: z.literal("none").meta({ description: "There are as many nodes as are configured." }),
  })
  .meta({ description: "No node is added or removed." });

const karpenter = z
  .strictObject({
    kind: z.literal("karpenter").meta({
      description:
        "Karpenter, as in production, but with its cloud provider kwok: the decisions are real, the nodes it adds are " +
        "simulated, and no container runs on them. It is built from its source at first, which takes Go and a minute " +
        "or so, and then takes some 70 MB of memory. It needs a network namespace of the cluster's own, and so root.",
    }),
    cpuLimit: cpu()
      .default("64")
      .meta({
        description:
          "Most CPU of all its nodes together; the other simulated nodes do not count. 0: it adds none. Pods beyond it " +
          "stay pending.",
        examples: ["64"],
      }),
    memoryLimit: memory()
      .default("256Gi")
      .meta({
        description: "Most memory of all its nodes together.",
        examples: ["256Gi"],
      }),
    consolidateAfterSeconds: z
      .int()
      .min(0)
      .max(86_400)
      .default(30)
      .meta({
        description:
          "Seconds without a pod coming or going after which a node is removed that is empty, or whose pods fit " +
          "elsewhere. 0: at its next look, some 10 s later at most.",
        examples: [30],
      }),
  })
  .meta({ description: "Simulated nodes as pods need them, of any size that fits." });

/** Part `nodes.autoscaling` of a local cluster. */
export const localAutoscaling = z
  .discriminatedUnion("kind", [none, karpenter])
  .default({ kind: "none" })
  .meta({
    description:
      "Who adds nodes when pods do not fit, and removes them again. Beside a real node they have the taints of " +
      "simulated nodes (`taints.simulated`): only pods that tolerate these get there. Switched off, its nodes go, " +
      "after the eviction of their pods.",
    examples: [{ kind: "karpenter" }],
  });

export type LocalAutoscaling = z.output<typeof localAutoscaling>;
