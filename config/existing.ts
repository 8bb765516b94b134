import { z } from "zod";

import { nonEmpty, registry, uuid } from "./fields";

/** A cluster that somebody else made: kind, k3d, minikube, a cloud's. */
export const existing = z
  .strictObject({
    kind: z.literal("existing").meta({
      description: "A cluster that is there already. None is created, changed or deleted.",
    }),
    kubeconfig: nonEmpty("a path")
      .optional()
      .meta({
        description:
          "Path of the kubeconfig; `~` is the home folder. Default: the files that KUBECONFIG names, else ~/.kube/config.",
        examples: ["~/.kube/config"],
      }),
    context: nonEmpty("a context's name")
      .optional()
      .meta({
        description:
          "Context of the kubeconfig. Default: its current one, which `kubectl config use-context` changes for every " +
          "program; each preview names the context it uses.",
        examples: ["kind-dev"],
      }),
    registry: registry()
      .optional()
      .meta({
        description:
          "Registry that this machine may push to and the cluster's nodes may pull from, with an optional path; images " +
          "that the project builds are pushed there by digest. Credentials are those of `docker login`. " +
          "Default: none, and every app must name an image.",
        examples: ["localhost:5001"],
      }),
    identity: uuid()
      .optional()
      .meta({
        description:
          "UID of the namespace kube-system of the cluster that is meant. Set it to move a stack to another cluster, " +
          "which is refused otherwise; left in, it refuses every other cluster. Default: the cluster that the stack " +
          "was first deployed to.",
        examples: ["6f1b3c52-7d0a-4c8e-9a55-0d3f6b1c2e4d"],
      }),
  })
  .meta({ description: "A Kubernetes cluster that is there already, reached by a kubeconfig." });
