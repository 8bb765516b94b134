import { listAt, textAt, type Json } from "../objects";
import { done, waiting, type AwaitRule } from "./rule";

/** Gone, or replaced by another object of the same name. */
export function deletionRule(uid: string): AwaitRule {
  return {
    queries: () => [],
    evaluate: ({ object }) => {
      if (object === undefined || (uid !== "" && textAt(object, "metadata", "uid") !== uid)) {
        return done("Deleted");
      }
      const kind = textAt(object, "kind");
      return waiting(`Waiting for ${kind} to be deleted`, remainders(object));
    },
  };
}

const NAMESPACE_CONDITIONS: ReadonlySet<string> = new Set([
  "NamespaceContentRemaining",
  "NamespaceDeletionContentFailure",
  "NamespaceDeletionDiscoveryFailure",
  "NamespaceDeletionGroupVersionParsingFailure",
  "NamespaceFinalizersRemaining",
]);

/** What still holds the object: a namespace tells in its conditions, others by finalizers. */
function remainders(object: Json): string[] {
  const conditions = listAt(object, "status", "conditions")
    .filter(
      (condition) =>
        NAMESPACE_CONDITIONS.has(textAt(condition, "type")) &&
        textAt(condition, "status") === "True",
    )
    .map((condition) => textAt(condition, "message"));
  const finalizers = listAt(object, "metadata", "finalizers").filter(
    (finalizer): finalizer is string =>
      // The garbage collector's own: it says no more than that dependents go first.
      typeof finalizer === "string" && finalizer !== "foregroundDeletion",
  );
  return finalizers.length === 0
    ? conditions
    : [...conditions, `finalizers not yet done: ${finalizers.join(", ")}`];
}
