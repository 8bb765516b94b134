import { getPath, textAt, type JsonMap } from "../objects";
import { several } from "./problems";
import { done, waiting, whileItExists, type Snapshot } from "./rule";
import { isObserved, numberAt, replicasOf } from "./status";
import { unreadyPods, workloadProblems, workloadQueries } from "./workload";

/**
 * Every replica is ready, and those that the update strategy lets the controller replace are of the
 * newest revision: all of them, those from the partition on, or, with OnDelete, none.
 */
export const statefulSetRule = whileItExists({
  queries: workloadQueries,
  evaluate: (set, snapshot) => {
    const wanted = replicasOf(set);
    const ready = readyReplicas(set);
    const updated = numberAt(set, "status", "updatedReplicas");
    const expected = updatesExpected(set, wanted);
    const isComplete = numberAt(set, "status", "replicas") === wanted && ready === wanted;
    if (isObserved(set) && isComplete && updated >= expected && isRevisionCurrent(set)) {
      return done(completion(set));
    }
    const problems = [...workloadProblems(set, snapshot), ...stuckRevision(set, snapshot)];
    return waiting(progressOf(set, { wanted, ready, updated, expected }), problems);
  },
});

/** Available ones where a pod has to stay ready for a while first. */
function readyReplicas(set: JsonMap): number {
  return numberAt(set, "spec", "minReadySeconds") > 0
    ? numberAt(set, "status", "availableReplicas")
    : numberAt(set, "status", "readyReplicas");
}

function isOnDelete(set: JsonMap): boolean {
  return textAt(set, "spec", "updateStrategy", "type") === "OnDelete";
}

function partitionOf(set: JsonMap): number {
  return numberAt(set, "spec", "updateStrategy", "rollingUpdate", "partition");
}

function updatesExpected(set: JsonMap, wanted: number): number {
  return isOnDelete(set) ? 0 : Math.max(0, wanted - partitionOf(set));
}

/** The controller ends a whole update by this; one that stops at a partition never does. */
function isRevisionCurrent(set: JsonMap): boolean {
  return (
    isOnDelete(set) ||
    partitionOf(set) > 0 ||
    textAt(set, "status", "currentRevision") === textAt(set, "status", "updateRevision")
  );
}

function completion(set: JsonMap): string {
  const untouched =
    numberAt(set, "status", "replicas") - numberAt(set, "status", "updatedReplicas");
  return untouched > 0
    ? `StatefulSet initialization complete (${String(untouched)} Pods keep the previous revision)`
    : "StatefulSet initialization complete";
}

interface Progress {
  readonly wanted: number;
  readonly ready: number;
  readonly updated: number;
  readonly expected: number;
}

function progressOf(set: JsonMap, { wanted, ready, updated, expected }: Progress): string {
  if (!isObserved(set)) {
    return "Waiting for the StatefulSet controller to see the change";
  }
  const readyPods = `${String(ready)}/${String(wanted)} Pods ready`;
  if (numberAt(set, "metadata", "generation") <= 1) {
    return `Waiting for StatefulSet to create Pods (${readyPods})`;
  }
  const updates = expected > 0 ? `, ${String(updated)}/${String(expected)} updated` : "";
  return `Waiting for StatefulSet update to roll out (${readyPods}${updates})`;
}

/** A pod of an earlier revision that never becomes ready blocks the update that would mend it. */
function stuckRevision(set: JsonMap, snapshot: Snapshot): string[] {
  const revision = textAt(set, "status", "updateRevision");
  const ordered = getPath(set, "spec", "podManagementPolicy") !== "Parallel";
  const names = unreadyPods(set, snapshot)
    .filter((pod) => textAt(pod, "metadata", "labels", "controller-revision-hash") !== revision)
    .map((pod) => textAt(pod, "metadata", "name"));
  return ordered && !isOnDelete(set) && isObserved(set) && names.length > 0
    ? [
        `${several("Pod", names)} of an earlier revision must be ready before the update goes on. ` +
          `If it cannot be, delete it: kubectl delete pod ${names.join(" ")}`,
      ]
    : [];
}
