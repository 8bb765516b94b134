import { flag, rule } from "../rule";
import { containers, pod, POD_OWNERS } from "../views/pods";

const applies = POD_OWNERS;

export const resources = [
  rule({
    id: "container-resources-set",
    title: "Every container requests CPU and memory, and has a memory limit.",
    severity: "medium",
    applies,
    why: "The scheduler packs pods by requests; without a limit one pod takes its neighbours down.",
    references: ["CKV_K8S_10", "CKV_K8S_12", "CKV_K8S_13", "Kyverno require-pod-requests-limits"],
    fix: "Set resources.requests.cpu, resources.requests.memory and resources.limits.memory.",
    parameters: {
      cpuLimit: flag(
        false,
        "Whether a CPU limit is asked for too; one throttles a pod while its node is idle.",
      ),
    },
    *check(resource, { cpuLimit }) {
      for (const container of containers(pod(resource))) {
        const at = container.at("resources");
        yield* at.at("requests", "cpu").mustBeSet();
        yield* at.at("requests", "memory").mustBeSet();
        yield* at.at("limits", "memory").mustBeSet();
        if (cpuLimit) yield* at.at("limits", "cpu").mustBeSet();
      }
    },
  }),
  rule({
    id: "container-ephemeral-storage-set",
    title: "Every container that can write to its node's disk has a limit there.",
    severity: "low",
    applies,
    why: "Logs and written files share the node's disk; a node without disk evicts pods.",
    references: ["kube-score container-ephemeral-storage-request-and-limit"],
    fix: "Set resources.limits.ephemeral-storage, or make the root file system read-only.",
    *check(resource) {
      for (const container of containers(pod(resource))) {
        const readOnly = container.at("securityContext", "readOnlyRootFilesystem");
        if (readOnly.isUnknown || readOnly.value === true) continue;
        yield* container.at("resources", "limits", "ephemeral-storage").mustBeSet();
      }
    },
  }),
] as const;
