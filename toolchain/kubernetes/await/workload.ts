import { getPath, listAt, mapAt, textAt, type Json, type JsonMap } from "../objects";
import { warningEvents, warningsAbout } from "./events";
import { groupProblems, isReady } from "./pod";
import { formatSelector, type Query, type Snapshot } from "./rule";

/** The pods a workload selects. */
export function podsOf(workload: JsonMap): Query {
  return selected(workload, "pods", "v1", "Pod");
}

/** Objects of a kind with the labels a workload selects by. */
export function selected(workload: JsonMap, key: string, apiVersion: string, kind: string): Query {
  const selector = mapAt(workload, "spec", "selector");
  // A ReplicationController's selector is the labels themselves.
  const labelSelector = formatSelector(
    "matchLabels" in selector || "matchExpressions" in selector
      ? mapAt(selector, "matchLabels")
      : selector,
  );
  return {
    ...{ key, apiVersion, kind, namespace: textAt(workload, "metadata", "namespace") },
    ...(labelSelector === undefined ? {} : { labelSelector }),
  };
}

/** A workload's pods and the warnings of its namespace. */
export function workloadQueries(workload: JsonMap): Query[] {
  return [podsOf(workload), warningEvents(textAt(workload, "metadata", "namespace"))];
}

export function isOwnedBy(object: Json, owner: JsonMap | undefined): boolean {
  const uid = textAt(owner, "metadata", "uid");
  return listAt(object, "metadata", "ownerReferences").some(
    (reference) => textAt(reference, "uid") === uid,
  );
}

/** The pods of a controller that stay and are not ready. */
export function unreadyPods(controller: JsonMap | undefined, { related }: Snapshot): JsonMap[] {
  return related("pods").filter(
    (pod) =>
      isOwnedBy(pod, controller) &&
      !isReady(pod) &&
      getPath(pod, "metadata", "deletionTimestamp") === undefined,
  );
}

/**
 * Why the pods of a controller are not ready or not even there. Quotas, limits and admission
 * refuse pods before they exist: then the controller's own warnings say so.
 */
export function workloadProblems(controller: JsonMap, snapshot: Snapshot): string[] {
  const events = snapshot.related("events");
  const problems = groupProblems(unreadyPods(controller, snapshot), events);
  return problems.length > 0 ? problems : warningsAbout(events, controller);
}
