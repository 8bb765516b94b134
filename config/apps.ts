import { z } from "zod";

import { cpu, dnsLabel, imageReference, memory } from "./fields";

const resources = z
  .strictObject({
    cpu: cpu()
      .default("25m")
      .meta({
        description: "CPU that each pod requests; it may use more where there is some.",
        examples: ["25m"],
      }),
    memory: memory()
      .default("32Mi")
      .meta({
        description: "Memory that each pod requests, and its limit: beyond it the pod is killed.",
        examples: ["32Mi"],
      }),
  })
  .meta({ description: "Resources of each pod." });

const nginx = z
  .strictObject({
    namespace: dnsLabel()
      .default("web")
      .meta({ description: "One of `drydock:platform.namespaces`." }),
    replicas: z
      .int()
      .min(0)
      .max(100)
      .default(3)
      .meta({
        description:
          "Pods that serve the site. 0 keeps the Service and its address, and serves nothing.",
        examples: [3],
      }),
    port: z
      .int()
      .min(1)
      .max(65535)
      .default(80)
      .meta({
        description: "TCP port at which the load balancer answers.",
        examples: [8080],
      }),
    image: imageReference()
      .optional()
      .meta({
        description:
          "Another image instead of the project's own site, which is built and pinned by digest.",
        examples: ["registry.example.com/site:1.2.3"],
      }),
    resources: resources.prefault({}),
    rolloutTimeoutSeconds: z
      .int()
      .min(10)
      .max(3600)
      .default(180)
      .meta({
        description:
          "Seconds a rollout may take before the update fails; the old pods go on serving.",
        examples: [180],
      }),
  })
  .meta({ description: "The site on nginx." });

/** Section `drydock:apps`: one key for each folder of apps/. */
export const appsSchema = z
  .strictObject({ nginx: nginx.prefault({}) })
  .meta({ description: "The workloads." });

export type AppsConfig = z.output<typeof appsSchema>;
