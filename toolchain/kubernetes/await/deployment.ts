import { getPath, textAt, type Json, type JsonMap } from "../objects";
import { warningsAbout } from "./events";
import { groupProblems } from "./pod";
import { done, failed, waiting, whileItExists, type Snapshot } from "./rule";
import { conditionOf, isCondition, isObserved, numberAt, replicasOf } from "./status";
import { isOwnedBy, selected, unreadyPods, workloadQueries } from "./workload";

/** Rolled out: every replica is of the newest revision and available, no old one is left. */
export const deploymentRule = whileItExists({
  queries: (deployment) => [
    selected(deployment, "replicaSets", "apps/v1", "ReplicaSet"),
    ...workloadQueries(deployment),
  ],
  evaluate: (deployment, snapshot) => {
    if (getPath(deployment, "spec", "paused") === true) {
      return done("Deployment is paused: its rollout is not waited for");
    }
    if (isRolledOut(deployment)) {
      return done("Deployment initialization complete");
    }
    const problems = problemsOf(deployment, snapshot);
    const progressing = conditionOf(deployment, "Progressing");
    if (isObserved(deployment) && progressing?.reason === "ProgressDeadlineExceeded") {
      return failed(textAt(progressing, "message"), ...problems);
    }
    return waiting(progressOf(deployment), problems);
  },
});

function isRolledOut(deployment: Json): boolean {
  const wanted = replicasOf(deployment);
  return (
    isObserved(deployment) &&
    numberAt(deployment, "status", "updatedReplicas") === wanted &&
    numberAt(deployment, "status", "replicas") === wanted &&
    numberAt(deployment, "status", "availableReplicas") === wanted
  );
}

function progressOf(deployment: Json): string {
  const wanted = replicasOf(deployment);
  const updated = numberAt(deployment, "status", "updatedReplicas");
  const available = numberAt(deployment, "status", "availableReplicas");
  const old = numberAt(deployment, "status", "replicas") - updated;
  if (isObserved(deployment) && updated === wanted && old > 0 && available >= wanted) {
    return `Waiting for Pods of the previous revision to go (${String(old)} left)`;
  }
  // Pods of the old revision are available too; only new ones count for the user.
  const ready = isObserved(deployment) ? Math.max(0, Math.min(updated, available - old)) : 0;
  return `Waiting for app ReplicaSet to be available (${String(ready)}/${String(wanted)} Pods available)`;
}

function problemsOf(deployment: JsonMap, snapshot: Snapshot): string[] {
  const events = snapshot.related("events");
  const current = newestReplicaSet(deployment, snapshot.related("replicaSets"));
  const pods = unreadyPods(current, snapshot);
  const problems = groupProblems(pods, events);
  if (isCondition(deployment, "ReplicaFailure", "True")) {
    // Quota, limits and admission show here: there is no pod to ask.
    const failure = textAt(conditionOf(deployment, "ReplicaFailure"), "message");
    problems.push(`Pods cannot be created: ${failure}`);
  } else if (current !== undefined && pods.length === 0) {
    problems.push(...warningsAbout(events, current));
  }
  return problems;
}

const REVISION = "deployment.kubernetes.io/revision";

function newestReplicaSet(deployment: JsonMap, sets: readonly JsonMap[]): JsonMap | undefined {
  const revision = (set: Json) => Number(textAt(set, "metadata", "annotations", REVISION)) || 0;
  return sets
    .filter((set) => isOwnedBy(set, deployment))
    .reduce<JsonMap | undefined>(
      (newest, set) => (newest === undefined || revision(set) > revision(newest) ? set : newest),
      undefined,
    );
}
