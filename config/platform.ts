import { z } from "zod";

import { cpu, dnsLabel, memory } from "./fields";

const quota = z
  .strictObject({
    pods: z.int().min(0).default(20).meta({
      description: "Most pods at a time, those of a rollout included. 0: no pod may start.",
    }),
    cpu: cpu()
      .default("2")
      .meta({
        description: "Sum of the CPU that pods may request.",
        examples: ["2"],
      }),
    memory: memory()
      .default("2Gi")
      .meta({
        description: "Sum of the memory that pods may request, and that their limits may reach.",
        examples: ["2Gi"],
      }),
  })
  .meta({
    description: "What the namespace's workloads may claim together; more is refused by the API.",
  });

const namespace = z
  .strictObject({ quota: quota.prefault({}) })
  .meta({ description: "A namespace for workloads, closed by default." });

/** Section `drydock:platform`: what the cluster offers its workloads. */
export const platformSchema = z
  .strictObject({
    namespaces: z
      .record(dnsLabel(), namespace)
      .default({ web: namespace.parse({}) })
      .meta({
        description:
          "Namespaces by name, each with restricted pod security, a quota and no traffic but what its apps allow. " +
          "Removing one deletes everything in it.",
      }),
  })
  .meta({ description: "What every cluster gets beside its workloads." });

export type PlatformConfig = z.output<typeof platformSchema>;
