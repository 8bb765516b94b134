import { some } from "../logic";
import type { Field, Finding } from "../field";
import type { Resource } from "../resource";
import { integer, rule } from "../rule";
import { refersTo, sameNamespace, selectorOf } from "../views/kubernetes";
import { mainContainers, pod, podsOf, REPLICATED } from "../views/pods";
import { autoscalers, budgets, covers, fewestPods, scales, tooTight } from "../views/scaling";

const HPA = ["autoscaling/HorizontalPodAutoscaler"];

export const scaling = [
  rule({
    id: "workload-min-replicas",
    title: "A workload has several pods, whoever owns the count.",
    severity: "medium",
    applies: REPLICATED,
    why: "One pod is an outage at each rollout of a node. 0 is allowed: the workload is switched off.",
    references: ["Polaris deploymentMissingReplicas", "KubeLinter minimum-three-replicas"],
    fix: "Set spec.replicas, or minReplicas of the autoscaler, to at least the minimum.",
    parameters: { minimum: integer(2, "Fewest pods of a workload that is not switched off.", 1) },
    *checkStack(stack, { minimum }) {
      for (const workload of stack.of(...REPLICATED)) {
        const fewest = fewestPods(stack, workload);
        if (fewest === undefined || fewest === 0 || fewest >= minimum) continue;
        yield workload.finding("spec.replicas", `must be at least ${minimum}`);
      }
    },
  }),
  rule({
    id: "autoscaler-target-exists",
    title: "An autoscaler scales a workload of the stack that leaves the count to it.",
    severity: "high",
    applies: HPA,
    why: "A dangling autoscaler scales nothing; a fixed count takes back what it scaled at each update.",
    references: ["KubeLinter dangling-horizontalpodautoscaler", "kube-score hpa-has-target"],
    fix: "Name the workload in spec.scaleTargetRef, and leave out its spec.replicas or ignore its changes.",
    *checkStack(stack) {
      for (const autoscaler of autoscalers(stack)) {
        const target = autoscaler.at("spec", "scaleTargetRef", "name");
        const kind = autoscaler.at("spec", "scaleTargetRef", "kind").text;
        if (kind === undefined) continue;
        const workloads = stack.of(`apps/${kind}`);
        const near = workloads.filter((one) => sameNamespace(one, autoscaler) !== false);
        if (refersTo(autoscaler, target, near) === false) {
          yield target.finding("must be a workload of this stack in the same namespace");
        }
        for (const workload of near) {
          if (scales(autoscaler, workload) !== true) continue;
          const replicas = workload.at("spec", "replicas");
          if (replicas.isAbsent || replicas.isUnknown) continue;
          if (workload.facts.ignoreChanges.includes("spec.replicas")) continue;
          yield replicas.finding("must be left to the autoscaler");
        }
      }
    },
  }),
  rule({
    id: "autoscaler-requests-complete",
    title: "Every container of a pod that scales by utilization has a request.",
    severity: "high",
    applies: HPA,
    why: "Utilization is a share of the request: where one container has none, the autoscaler does nothing.",
    references: ["Kubernetes documentation: HorizontalPodAutoscaler"],
    fix: "Set resources.requests of the metric's resource in each container of the target.",
    *checkStack(stack) {
      for (const autoscaler of autoscalers(stack)) {
        const measured = utilizations(autoscaler);
        for (const here of podsOf(stack, REPLICATED)) {
          if (scales(autoscaler, here.owner) !== true) continue;
          for (const container of mainContainers(here)) {
            for (const name of measured) {
              yield* mustRequest(container.at("resources", "requests"), name);
            }
          }
        }
      }
    },
  }),
  rule({
    id: "workload-disruption-budget",
    title: "Every workload of several pods has one disruption budget.",
    severity: "medium",
    applies: REPLICATED,
    why: "Without one a drain may take all pods at once; with two the eviction API refuses every eviction.",
    references: [
      "Polaris missingPodDisruptionBudget",
      "kube-score deployment-has-poddisruptionbudget",
    ],
    fix: "Declare one PodDisruptionBudget whose spec.selector selects the pods.",
    *checkStack(stack) {
      for (const here of podsOf(stack, REPLICATED)) {
        const fewest = fewestPods(stack, here.owner);
        if (fewest === undefined || fewest < 2) continue;
        const covering = budgets(stack).map((budget) => covers(budget, here));
        if (covering.filter((covered) => covered === true).length > 1) {
          yield here.owner.finding(
            "spec.template",
            "must be selected by one budget, not by several",
          );
        } else if (some(covering, (covered) => covered) === false) {
          yield here.owner.finding("spec.template", "must be selected by a PodDisruptionBudget");
        }
      }
    },
  }),
  rule({
    id: "budget-allows-disruption",
    title:
      "A disruption budget lets go of one pod at least, selects pods, and lets broken ones go.",
    severity: "high",
    applies: ["policy/PodDisruptionBudget"],
    why: "A budget that allows nothing blocks the drain of a node, and with it every upgrade.",
    references: ["KubeLinter pdb-max-unavailable", "KubeLinter pdb-unhealthy-pod-eviction-policy"],
    fix: "Set spec.maxUnavailable to 1, and spec.unhealthyPodEvictionPolicy to AlwaysAllow.",
    *checkStack(stack) {
      for (const budget of budgets(stack)) {
        const always = budget.at("spec", "unhealthyPodEvictionPolicy");
        yield* always.mustBe("AlwaysAllow");
        const covered = podsOf(stack).filter((here) => covers(budget, here) === true);
        if (some(podsOf(stack), (here) => covers(budget, here)) === false) {
          yield budget.finding("spec.selector", "must select the pods of a workload of this stack");
        }
        for (const { owner } of covered) {
          const fewest = fewestPods(stack, owner);
          if (fewest !== undefined && fewest > 0) yield* tooTight(budget, fewest);
        }
      }
    },
  }),
  rule({
    id: "workload-selectors-disjoint",
    title: "No two workloads select each other's pods.",
    severity: "critical",
    applies: [...REPLICATED, "apps/DaemonSet"],
    why: "Budgets, Services and autoscalers count the pods of both, and a rollout may adopt foreign pods.",
    references: ["Kubernetes documentation: Deployment, selector"],
    fix: "Give each workload a label of its own in spec.selector.matchLabels and in its template.",
    *checkStack(stack) {
      const workloads = stack.of(...REPLICATED, "apps/DaemonSet");
      for (const one of workloads) {
        const selects = selectorOf(one.at("spec", "selector"));
        const takes = some(workloads, (other) =>
          other !== one && sameNamespace(one, other) === true ? selects(pod(other).labels) : false,
        );
        if (takes !== true) continue;
        yield one.finding("spec.selector", "must not select the pods of another workload");
      }
    },
  }),
] as const;

/** The name is a text of the autoscaler's: only one that everybody has is told. */
function mustRequest(requests: Field, name: string): Finding[] {
  const findings = requests.at(name).mustBeSet();
  return ["cpu", "memory"].includes(name)
    ? findings
    : findings.map(() => requests.finding("must hold the resource that the autoscaler measures"));
}

/** Resources that an autoscaler measures as a share of the request. */
function utilizations(autoscaler: Resource): string[] {
  const old = autoscaler.at("spec", "targetCPUUtilizationPercentage");
  const metrics = autoscaler
    .at("spec", "metrics")
    .items()
    .map((metric) => metric.at("resource"))
    .filter((resource) => !resource.at("target", "averageUtilization").isAbsent)
    .flatMap((resource) => resource.at("name").text ?? []);
  return old.isAbsent ? metrics : ["cpu", ...metrics];
}
