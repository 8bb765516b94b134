import {
  getPath,
  listAt,
  textAt,
  type Json,
  type JsonMap,
  type KubernetesObject,
} from "../objects";
import { several } from "./problems";
import { done, waiting, type AwaitRule, type Snapshot } from "./rule";
import { podsOf } from "./workload";

/** Finalizers need a moment even when all is well: only then are they worth a word. */
const FINALIZER_GRACE_SECONDS = 5;

/** Gone, or replaced by another object of the same name. */
export function deletionRule(uid: string): AwaitRule {
  return {
    // With foreground deletion the pods go first.
    queries: (object) => (hasPods(object) ? [podsOf(object)] : []),
    evaluate: (snapshot) => {
      const { object } = snapshot;
      if (object === undefined || (uid !== "" && textAt(object, "metadata", "uid") !== uid)) {
        return done("Deleted");
      }
      const message = `Waiting for ${textAt(object, "kind")} to be deleted`;
      return snapshot.waitedSeconds < FINALIZER_GRACE_SECONDS
        ? waiting(message)
        : waiting(message, remainders(object, snapshot));
    },
  };
}

function hasPods(object: KubernetesObject): boolean {
  return getPath(object, "spec", "template", "spec", "containers") !== undefined;
}

const NAMESPACE_CONDITIONS: ReadonlySet<string> = new Set([
  "NamespaceContentRemaining",
  "NamespaceDeletionContentFailure",
  "NamespaceDeletionDiscoveryFailure",
  "NamespaceDeletionGroupVersionParsingFailure",
  "NamespaceFinalizersRemaining",
]);

/** What still holds the object: a namespace tells in its conditions, others by finalizers. */
function remainders(object: Json, { related }: Snapshot): string[] {
  const conditions = listAt(object, "status", "conditions")
    .filter(
      (condition) =>
        NAMESPACE_CONDITIONS.has(textAt(condition, "type")) &&
        textAt(condition, "status") === "True",
    )
    .map((condition) => textAt(condition, "message"));
  return [...conditions, ...finalizersOf(object), ...podsLeft(related("pods"))];
}

function finalizersOf(object: Json): string[] {
  const finalizers = listAt(object, "metadata", "finalizers").filter(
    (finalizer): finalizer is string =>
      // The garbage collector's own: it says no more than that dependents go first.
      typeof finalizer === "string" && finalizer !== "foregroundDeletion",
  );
  return finalizers.length === 0 ? [] : [`finalizers not yet done: ${finalizers.join(", ")}`];
}

function podsLeft(pods: readonly JsonMap[]): string[] {
  if (pods.length === 0) {
    return [];
  }
  const names = pods.map((pod) => textAt(pod, "metadata", "name"));
  const held = pods.flatMap((pod) =>
    finalizersOf(pod).map((text) => `Pod ${textAt(pod, "metadata", "name")}: ${text}`),
  );
  const verb = pods.length === 1 ? "is" : "are";
  return [`${several("Pod", names)} ${verb} still there`, ...held];
}
