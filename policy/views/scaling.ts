import type { Finding } from "../field";
import { both, same, type Truth } from "../logic";
import { once, type Resource, type Stack } from "../resource";
import { nameOf, sameNamespace, selectorOf } from "./kubernetes";
import type { Pod } from "./pods";

const HPA = "autoscaling/HorizontalPodAutoscaler";
const PDB = "policy/PodDisruptionBudget";

export function autoscalers(stack: Stack): readonly Resource[] {
  return stack.of(HPA);
}

export function budgets(stack: Stack): readonly Resource[] {
  return stack.of(PDB);
}

/** Whether an autoscaler owns the replicas of a workload. */
export function scales(autoscaler: Resource, workload: Resource): Truth {
  const target = autoscaler.at("spec", "scaleTargetRef");
  return both(
    both(
      same(target.at("kind").text, workload.kind.split("/")[1]),
      sameNamespace(autoscaler, workload),
    ),
    same(target.at("name").text, nameOf(workload)),
  );
}

/** Whether a budget counts the pods of a workload. */
export function covers(budget: Resource, { owner, labels }: Pod): Truth {
  const near = sameNamespace(budget, owner);
  return near === true ? budgetSelector(budget)(labels) : near;
}

const budgetSelector = once((budget: Resource) => selectorOf(budget.at("spec", "selector")));

/**
 * The fewest pods that a workload has: of its autoscaler, else its own; 1 where nothing is said.
 * @returns undefined where it is not known
 */
export function fewestPods(stack: Stack, workload: Resource): number | undefined {
  for (const autoscaler of autoscalers(stack)) {
    const owns = scales(autoscaler, workload);
    if (owns === undefined) return undefined;
    if (owns) return countOf(autoscaler, "minReplicas");
  }
  return countOf(workload, "replicas");
}

function countOf(resource: Resource, key: string): number | undefined {
  const field = resource.at("spec", key);
  return field.isAbsent ? 1 : field.number;
}

/** What is wrong with how a budget and the fewest pods of a workload go together. */
export function* tooTight(budget: Resource, fewest: number): Iterable<Finding> {
  const [minimum, maximum] = ["minAvailable", "maxUnavailable"].map((key) =>
    budget.at("spec", key),
  ) as [ReturnType<Resource["at"]>, ReturnType<Resource["at"]>];
  const kept = amount(minimum.value, fewest);
  if (kept !== undefined && kept >= fewest) {
    yield minimum.finding(
      "must be below the fewest pods of the workload, or no node can be drained",
    );
  }
  if (amount(maximum.value, fewest) === 0) {
    yield maximum.finding("must allow one pod at least, or no node can be drained");
  }
}

/** Pods, from a number or a percentage, which the disruption controller rounds up. */
function amount(value: unknown, pods: number): number | undefined {
  if (typeof value === "number") return value;
  const percent = /^(\d+)%$/.exec(typeof value === "string" ? value : "")?.[1];
  return percent === undefined ? undefined : Math.ceil((Number(percent) * pods) / 100);
}
