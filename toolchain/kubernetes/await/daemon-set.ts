import { textAt, type JsonMap } from "../objects";
import { done, waiting, whileItExists } from "./rule";
import { isObserved, numberAt } from "./status";
import { workloadProblems, workloadQueries } from "./workload";

/** A pod on every node it is meant for, each available and, but for OnDelete, of the newest form. */
export const daemonSetRule = whileItExists({
  queries: workloadQueries,
  evaluate: (set, snapshot) => {
    const desired = numberAt(set, "status", "desiredNumberScheduled");
    const available = numberAt(set, "status", "numberAvailable");
    if (!isObserved(set)) {
      return waiting("Waiting for the DaemonSet controller to see the change");
    }
    const updated = updatedPods(set);
    if (updated >= desired && available >= desired) {
      return done(
        desired === 0 && numberAt(set, "status", "currentNumberScheduled") === 0
          ? "DaemonSet initialization complete (no node is meant for it)"
          : "DaemonSet initialization complete",
      );
    }
    const of = `/${String(desired)}`;
    return waiting(
      `Waiting for DaemonSet to roll out (${String(updated)}${of} Pods updated, ${String(available)}${of} available)`,
      workloadProblems(set, snapshot),
    );
  },
});

/** With OnDelete it is a person who replaces the pods, at a time of their own. */
function updatedPods(set: JsonMap): number {
  return textAt(set, "spec", "updateStrategy", "type") === "OnDelete"
    ? numberAt(set, "status", "currentNumberScheduled")
    : numberAt(set, "status", "updatedNumberScheduled");
}
