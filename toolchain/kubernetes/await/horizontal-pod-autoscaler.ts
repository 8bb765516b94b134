import { annotation, isJsonMap, textAt, type Json, type JsonMap } from "../objects";
import { done, waiting, whileItExists } from "./rule";
import { conditionOf, explain } from "./status";

/** Where autoscaling/v1 has the conditions, as JSON text. */
const CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions";

/** The controller looks every 15 s; a metrics server needs about as long for its first numbers. */
const GRACE_SECONDS = 30;

/**
 * It finds its target and its metrics. One that does not leaves the workload at the size it has,
 * which is no reason to fail an update, and metrics may come days later: it is told and left.
 */
export const horizontalPodAutoscalerRule = whileItExists({
  evaluate: (autoscaler, { waitedSeconds }) => {
    const problems = ["AbleToScale", "ScalingActive"].flatMap((type) => problem(autoscaler, type));
    if (problems.length === 0) {
      return done("HorizontalPodAutoscaler is active");
    }
    return waitedSeconds < GRACE_SECONDS
      ? waiting("Waiting for HorizontalPodAutoscaler to be active", problems)
      : done(
          "HorizontalPodAutoscaler exists",
          problems.map((text) => `it does not scale yet: ${text}`),
        );
  },
});

function problem(autoscaler: Json, type: string): string[] {
  const condition = conditionOf(autoscaler, type) ?? annotatedCondition(autoscaler, type);
  // A target that is scaled to zero by hand switches the autoscaler off: that is meant.
  const isFine = condition?.status === "True" || condition?.reason === "ScalingDisabled";
  return isFine ? [] : [explain(condition) || `${type} is not known`];
}

function annotatedCondition(autoscaler: Json, type: string): JsonMap | undefined {
  const conditions = JSON.parse(annotation(autoscaler, CONDITIONS) ?? "[]") as Json;
  return Array.isArray(conditions)
    ? conditions.filter(isJsonMap).find((condition) => textAt(condition, "type") === type)
    : undefined;
}
