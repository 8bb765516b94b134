import { getPath, textAt, type JsonMap } from "../objects";
import { warningEvents, warningsAbout } from "./events";
import { done, failed, waiting, whileItExists } from "./rule";

const DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class";

/** Bound, or of a class that binds only when a Pod uses the claim. */
export const volumeClaimRule = whileItExists({
  queries: (claim) => [
    { key: "classes", apiVersion: "storage.k8s.io/v1", kind: "StorageClass", namespace: "" },
    warningEvents(textAt(claim, "metadata", "namespace")),
  ],
  evaluate: (claim, { related }) => {
    const phase = textAt(claim, "status", "phase");
    if (phase === "Bound") {
      return done("PersistentVolumeClaim is bound");
    }
    if (phase === "Lost") {
      return failed("the volume of the PersistentVolumeClaim is lost");
    }
    if (bindsOnFirstUse(claim, related("classes"))) {
      return done("PersistentVolumeClaim will be bound when a Pod uses it");
    }
    const problems = warningsAbout(related("events"), claim);
    return waiting("Waiting for PersistentVolumeClaim to be bound to a volume", problems);
  },
});

function bindsOnFirstUse(claim: JsonMap, classes: readonly JsonMap[]): boolean {
  const wanted = getPath(claim, "spec", "storageClassName");
  const found = classes.find((candidate) =>
    typeof wanted === "string"
      ? textAt(candidate, "metadata", "name") === wanted
      : textAt(candidate, "metadata", "annotations", DEFAULT_CLASS) === "true",
  );
  return found?.volumeBindingMode === "WaitForFirstConsumer";
}
