import { z } from "zod";

import { eksSchema } from "./eks";
import { existing } from "./existing";
import { dnsLabel, loopbackAddress } from "./fields";
import { localKubernetesVersions, pinnedKubernetesVersion } from "./kubernetes-versions";
import { localAutoscaling } from "./local-autoscaling";
import { KWOK_LABEL_RULE, labels, taints } from "./node-settings";

const nodeLabels = z
  .strictObject({
    real: labels.default({}).meta({
      description: "Labels of the real node.",
      examples: [{ "example.com/disk": "ssd" }],
    }),
    simulated: labels
      .refine((map) => !("type" in map), { error: KWOK_LABEL_RULE })
      .default({})
      .meta({
        description: "Labels of every simulated node.",
        examples: [{ "example.com/pool": "spot" }],
      }),
  })
  .meta({
    description:
      "Labels by which pods choose nodes. Changed on the running nodes; one that is removed here is removed there, " +
      "and labels that others have set stay. topology.kubernetes.io/region and zone are `local` and `local-a` " +
      "(simulated nodes: a, b and c in turn) unless set here.",
  });

const nodeTaints = z
  .strictObject({
    real: taints.default([]).meta({
      description:
        "Taints of the real node. A pod without a matching toleration does not start there: CoreDNS and the apps " +
        "have none.",
    }),
    simulated: taints.optional().meta({
      description:
        "Taints of every simulated node. Where it is not set: kwok.x-k8s.io/node=fake:NoSchedule beside a real node, " +
        "so that pods which must serve do not land where no process runs, and none where all nodes are simulated. " +
        "An empty list: none at all.",
      examples: [[{ key: "example.com/batch", value: "on", effect: "NoSchedule" }]],
    }),
  })
  .meta({
    description:
      "Taints that keep pods away from nodes. Changed on the running nodes, those that Kubernetes sets itself stay.",
  });

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
          "simulated node run no process. Fewer than before: the surplus is removed, its pods are evicted first.",
      }),
    labels: nodeLabels.prefault({}),
    taints: nodeTaints.prefault({}),
    autoscaling: localAutoscaling,
  })
  .meta({ description: "Nodes of the cluster." });

const storage = z
  .strictObject({
    reclaimPolicy: z
      .enum(["Retain", "Delete"])
      .default("Delete")
      .meta({
        description:
          "What becomes of a volume whose claim is deleted. `Retain` keeps its folder until someone deletes the " +
          "PersistentVolume and the folder; all volumes go with the cluster. A change holds for volumes made later.",
      }),
  })
  .meta({
    description:
      "Volumes on demand, as folders of the real node: the StorageClass `local-path` is the default. A folder has no " +
      "size: what a claim asks for is neither reserved nor a limit, and cannot be expanded. Nodes that are all " +
      "simulated have no volumes; a kind cluster has its own, which this does not change.",
  });

const ingress = z
  .strictObject({
    port: z
      .int()
      .min(1)
      .max(65535)
      .default(8000)
      .meta({
        description:
          "TCP port of `loadBalancerAddress` at which all Ingresses answer; no other Service may have it.",
        examples: [8000],
      }),
  })
  .meta({
    description:
      "An ingress controller (Skipper, IngressClass `skipper`, the default one), which leads requests by host and path " +
      "to apps: `apps.<app>.ingress`. Not set: none. `{}` is one with its defaults. It takes some 42 MB of resident " +
      "memory; the first time its program is fetched or built, which takes up to two minutes. It speaks HTTP, not TLS. " +
      "A kind cluster and simulated nodes have none.",
    examples: [{ port: 8000 }],
  });

const local = z
  .strictObject({
    kind: z.literal("local").meta({ description: "A cluster on this machine; it costs nothing." }),
    name: dnsLabel(32).meta({
      description:
        "Name of the cluster, of its network namespace and of its kubeconfig context. Two clusters on one machine " +
        "need two names. A changed name replaces the cluster, with the data in it.",
      examples: ["drydock-dev"],
    }),
    kubernetesVersion: z
      .enum(localKubernetesVersions)
      .default(pinnedKubernetesVersion)
      .meta({
        description:
          "Minor version of Kubernetes, in quotes; one that the local tools are pinned to. The default is what all " +
          "stacks share. A running cluster is upgraded in place, one minor at a time, after a snapshot of etcd; it " +
          "cannot go back.",
      }),
    engine: z
      .enum(["auto", "native", "kind"])
      .default("auto")
      .meta({
        description:
          "What the cluster runs in. `native` is processes of this machine; `kind` is a container of Docker or Podman, " +
          "made by kind, which needs no root. `auto` takes a native cluster with a real node where this machine permits one, " +
          "else kind where Docker or Podman answers, else a native cluster with simulated nodes. A cluster that is " +
          "there stays in what it is.",
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
    storage: storage.prefault({}),
    metrics: z
      .boolean()
      .default(true)
      .meta({
        description:
          "Whether a metrics-server runs on the real node: `kubectl top` and a HorizontalPodAutoscaler need it. It " +
          "takes some 47 MB of resident memory, 15 MB of them its own. false: none. A kind cluster and simulated nodes have none.",
      }),
    ingress: ingress.optional(),
  })
  .meta({ description: "A Kubernetes cluster on this machine." });

/** Section `drydock:cluster`: the variant is chosen by `kind`, and each variant has its own keys. */
export const clusterSchema = z.discriminatedUnion("kind", [local, existing, eksSchema]).meta({
  description: "The Kubernetes cluster that the stack makes or uses.",
  examples: [{ kind: "local", name: "drydock-dev" }],
});

export type ClusterConfig = z.output<typeof clusterSchema>;
