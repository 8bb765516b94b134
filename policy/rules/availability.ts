import { integer, rule } from "../rule";
import { selectorOf } from "../views/kubernetes";
import { pod, podsOf, REPLICATED } from "../views/pods";

export const availability = [
  rule({
    id: "workload-spread",
    title: "The pods of a workload are spread over nodes.",
    severity: "medium",
    applies: REPLICATED,
    why: "All pods on one node are gone with it.",
    references: ["KubeLinter no-anti-affinity", "Polaris topologySpreadConstraint"],
    fix: "Set topologySpreadConstraints over kubernetes.io/hostname or a zone, or affinity.podAntiAffinity.",
    *check(resource) {
      const { spec } = pod(resource);
      if (isSingle(resource.at("spec", "replicas").value)) return;
      const constraints = spec.at("topologySpreadConstraints");
      const anti = spec.at("affinity", "podAntiAffinity");
      if (constraints.isUnknown || anti.isUnknown) return;
      if (constraints.items().length > 0 || anti.entries().length > 0) return;
      yield constraints.finding("must be set");
    },
  }),
  rule({
    id: "workload-rolling-update",
    title: "A rollout takes pods away only as new ones become ready.",
    severity: "medium",
    applies: ["apps/Deployment", "apps/DaemonSet", "apps/StatefulSet"],
    why: "Recreate stops everything before the new version has shown that it starts.",
    references: ["KubeLinter no-rolling-update-strategy", "kube-score deployment-strategy"],
    fix: "Set spec.strategy.type (updateStrategy for other kinds) to RollingUpdate and rollingUpdate.maxUnavailable below 100%.",
    *check(resource) {
      const key = resource.kind === "apps/Deployment" ? "strategy" : "updateStrategy";
      const strategy = resource.at("spec", key);
      const rolling = (type: unknown) => type === undefined || type === "RollingUpdate";
      yield* strategy.at("type").must(rolling, "must be RollingUpdate");
      yield* strategy.at("rollingUpdate", "maxUnavailable").mustNotBe("100%");
    },
  }),
  rule({
    id: "workload-selector-matches",
    title: "The selector of a workload selects its own pods.",
    severity: "critical",
    applies: [...REPLICATED, "apps/DaemonSet", "apps/ReplicaSet"],
    why: "The API refuses it, and an update fails half-way.",
    references: ["KubeLinter mismatching-selector", "kube-score deployment-pod-selector-labels"],
    fix: "Give spec.template.metadata.labels every label of spec.selector.matchLabels.",
    *check(resource) {
      const selector = resource.at("spec", "selector");
      if (selectorOf(selector)(pod(resource).labels) !== false) return;
      yield selector.finding("must select the labels of the template");
    },
  }),
  rule({
    id: "pod-has-controller",
    title: "Pods come from a controller that replaces them.",
    severity: "medium",
    applies: ["core/Pod", "core/ReplicationController", "apps/ReplicaSet"],
    why: "A pod alone is gone with its node; a ReplicaSet alone cannot be rolled out.",
    references: ["Pulumi compliance policies: disallowPod", "Polaris, controllers"],
    fix: "Declare a Deployment, StatefulSet, DaemonSet or Job with the same pod spec.",
    *check(resource) {
      yield resource.finding("spec", "must belong to a Deployment, StatefulSet, DaemonSet or Job");
    },
  }),
  rule({
    id: "workload-priority",
    title: "Where a stack has priority classes, every workload names one.",
    severity: "low",
    applies: [...REPLICATED, "apps/DaemonSet"],
    why: "On a full cluster the scheduler evicts by priority: whatever names none goes first.",
    references: ["KubeLinter priority-class-name", "Polaris priorityClassNotSet"],
    fix: "Set spec.template.spec.priorityClassName to one of the classes.",
    *checkStack(stack) {
      if (stack.of("scheduling.k8s.io/PriorityClass").length === 0) return;
      for (const { spec } of podsOf(stack, [...REPLICATED, "apps/DaemonSet"])) {
        yield* spec.at("priorityClassName").mustBeSet();
      }
    },
  }),
  rule({
    id: "job-bounded",
    title: "A job ends, and is cleared away.",
    severity: "medium",
    applies: ["batch/Job", "batch/CronJob"],
    why: "Finished pods pile up; a hanging job holds its quota for ever, and a CronJob starts the next beside it.",
    references: ["KubeLinter job-ttl-seconds-after-finished", "kube-score cronjob-has-deadline"],
    fix: "Set ttlSecondsAfterFinished and activeDeadlineSeconds of the job; for a CronJob startingDeadlineSeconds and a concurrencyPolicy other than Allow.",
    *check(resource) {
      const spec = resource.at("spec");
      const job = resource.kind === "batch/Job" ? spec : spec.at("jobTemplate", "spec");
      yield* job.at("ttlSecondsAfterFinished").mustBeSet();
      yield* job.at("activeDeadlineSeconds").mustBeSet();
      if (resource.kind !== "batch/CronJob") return;
      yield* spec.at("startingDeadlineSeconds").mustBeSet();
      yield* spec
        .at("concurrencyPolicy")
        .must((value) => value === "Forbid" || value === "Replace", "must be Forbid or Replace");
    },
  }),
  rule({
    id: "autoscaler-bounds",
    title: "An autoscaler keeps several pods and may add some.",
    severity: "medium",
    applies: ["autoscaling/HorizontalPodAutoscaler"],
    why: "With a minimum of one a drained node is an outage; with an equal maximum it scales nothing.",
    references: ["Polaris hpaMinAvailability", "Polaris hpaMaxAvailability"],
    fix: "Set spec.minReplicas to at least the minimum and spec.maxReplicas above it.",
    parameters: { minimum: integer(2, "Fewest pods that an autoscaler may leave.", 1) },
    *check(resource, { minimum }) {
      const [fewest, most] = [
        resource.at("spec", "minReplicas"),
        resource.at("spec", "maxReplicas"),
      ];
      yield* fewest.must(
        (value) => typeof value === "number" && value >= minimum,
        `must be at least ${minimum}`,
      );
      const least = fewest.number;
      if (least === undefined) return;
      yield* most.must(
        (value) => typeof value === "number" && value > least,
        "must be above minReplicas",
      );
    },
  }),
  rule({
    id: "container-safe-shutdown",
    title: "A pod has time to end its requests.",
    severity: "low",
    applies: REPLICATED,
    why: "With 0 seconds requests are cut off at each rollout.",
    references: ["Kubernetes documentation: pod lifecycle"],
    fix: "Set terminationGracePeriodSeconds to the longest request, or leave it at 30.",
    parameters: { seconds: integer(5, "Fewest seconds that a pod may have to end.") },
    *check(resource, { seconds }) {
      const enough = (value: unknown) => typeof value !== "number" || value >= seconds;
      yield* pod(resource)
        .spec.at("terminationGracePeriodSeconds")
        .must(enough, `must be at least ${seconds}`);
    },
  }),
] as const;

function isSingle(replicas: unknown): boolean {
  return typeof replicas === "number" && replicas < 2;
}
