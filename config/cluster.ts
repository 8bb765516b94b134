import { z } from "zod";

import { dnsLabel, loopbackAddress } from "./fields";
import { localKubernetesVersions, pinnedKubernetesVersion } from "./kubernetes-versions";

const nodes = z
  .strictObject({
    real: z
      .enum(["auto", "always", "never"])
      .default("auto")
      .meta({
        description:
          "Whether a node with a kubelet and a container runtime runs on this machine; it needs root on Linux. " +
          "`auto` uses one where it is permitted and simulates it otherwise, `always` fails where it is not, " +
          "`never` simulates: pods are scheduled, no container runs and no page is served.",
      }),
    simulated: z
      .int()
      .min(0)
      .max(1000)
      .default(0)
      .meta({
        description:
          "Number of simulated nodes beside the real one, for trials of scale; 0 is none. Pods that land on a " +
          "simulated node run no process.",
      }),
  })
  .meta({ description: "Nodes of the cluster." });

const local = z
  .strictObject({
    kind: z.literal("local").meta({ description: "A cluster on this machine; it costs nothing." }),
    name: dnsLabel(32).meta({
      description:
        "Name of the cluster, of its network namespace and of its kubeconfig context. Two clusters on one machine " +
        "need two names. A changed name replaces the cluster, with the data in it.",
      examples: ["drydock-dev"],
    }),
    kubernetesVersion: z.enum(localKubernetesVersions).default(pinnedKubernetesVersion).meta({
      description:
        "Minor version of Kubernetes, in quotes; one that the local tools are pinned to. The default is what all stacks share.",
    }),
    nodes: nodes.prefault({}),
    loadBalancerAddress: loopbackAddress()
      .default("127.0.0.1")
      .meta({
        description:
          "Loopback address of this machine at which Services of type LoadBalancer answer, each at its own port. " +
          "Another one, such as 127.0.0.2, keeps two clusters' ports apart.",
        examples: ["127.0.0.1"],
      }),
  })
  .meta({ description: "A Kubernetes cluster on this machine." });

/** Section `drydock:cluster`: the variant is chosen by `kind`, and each variant has its own keys. */
export const clusterSchema = z.discriminatedUnion("kind", [local]).meta({
  description: "The Kubernetes cluster that the stack makes or uses.",
  examples: [{ kind: "local", name: "drydock-dev" }],
});

export type ClusterConfig = z.output<typeof clusterSchema>;
