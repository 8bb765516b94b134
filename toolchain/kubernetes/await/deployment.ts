import { getPath, listAt, mapAt, textAt, type Json, type JsonMap } from "../objects";
import { warningEvents, warningsAbout } from "./events";
import { conditionOf, groupProblems, isReady } from "./pod";
import {
  done,
  failed,
  formatSelector,
  waiting,
  type AwaitRule,
  type Query,
  type Snapshot,
} from "./rule";

/** Rolled out: every replica is of the newest revision and available, no old one is left. */
export const deploymentRule: AwaitRule = {
  queries: (deployment) => {
    const namespace = textAt(deployment, "metadata", "namespace");
    const labelSelector = formatSelector(mapAt(deployment, "spec", "selector", "matchLabels"));
    const selected = labelSelector === undefined ? {} : { labelSelector };
    const owned: Query[] = [
      { key: "replicaSets", apiVersion: "apps/v1", kind: "ReplicaSet", namespace, ...selected },
      { key: "pods", apiVersion: "v1", kind: "Pod", namespace, ...selected },
    ];
    return [...owned, warningEvents(namespace)];
  },
  evaluate: (snapshot) => {
    const { object: deployment } = snapshot;
    if (deployment === undefined) {
      return failed("the Deployment was deleted while it was waited for");
    }
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
};

function isObserved(deployment: Json): boolean {
  return (
    numberAt(deployment, "status", "observedGeneration") >=
    numberAt(deployment, "metadata", "generation")
  );
}

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

function problemsOf(deployment: JsonMap, { related }: Snapshot): string[] {
  const events = related("events");
  const current = newestReplicaSet(deployment, related("replicaSets"));
  const uid = textAt(current, "metadata", "uid");
  const pods = related("pods").filter(
    (pod) =>
      !isReady(pod) &&
      getPath(pod, "metadata", "deletionTimestamp") === undefined &&
      listAt(pod, "metadata", "ownerReferences").some((owner) => textAt(owner, "uid") === uid),
  );
  const problems = groupProblems(pods, events);
  const failure = conditionOf(deployment, "ReplicaFailure");
  if (failure?.status === "True") {
    // Quota, limits and admission show here: there is no pod to ask.
    problems.push(`Pods cannot be created: ${textAt(failure, "message")}`);
  } else if (current !== undefined && pods.length === 0) {
    problems.push(...warningsAbout(events, current));
  }
  return problems;
}

const REVISION = "deployment.kubernetes.io/revision";

function newestReplicaSet(deployment: JsonMap, sets: readonly JsonMap[]): JsonMap | undefined {
  const uid = textAt(deployment, "metadata", "uid");
  const revision = (set: Json) => Number(textAt(set, "metadata", "annotations", REVISION)) || 0;
  return sets
    .filter((set) =>
      listAt(set, "metadata", "ownerReferences").some((owner) => textAt(owner, "uid") === uid),
    )
    .reduce<JsonMap | undefined>(
      (newest, set) => (newest === undefined || revision(set) > revision(newest) ? set : newest),
      undefined,
    );
}

function replicasOf(deployment: Json): number {
  const replicas = getPath(deployment, "spec", "replicas");
  return typeof replicas === "number" ? replicas : 1;
}

function numberAt(value: Json, ...path: readonly string[]): number {
  const found = getPath(value, ...path);
  return typeof found === "number" ? found : 0;
}
