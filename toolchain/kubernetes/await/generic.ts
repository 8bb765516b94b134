import { getPath, textAt } from "../objects";
import { warningEvents, warningsAbout } from "./events";
import { done, failed, waiting, whileItExists } from "./rule";
import { conditionOf, explain, isCondition, isObserved } from "./status";

/**
 * What most controllers keep to, whatever the kind: the newest generation observed, not stalled,
 * not reconciling, and the condition Ready true where there is one.
 */
export const genericRule = whileItExists({
  queries: (object) => [warningEvents(textAt(object, "metadata", "namespace"))],
  evaluate: (object, { related }) => {
    const kind = textAt(object, "kind");
    if (getPath(object, "status", "observedGeneration") !== undefined && !isObserved(object)) {
      return waiting(`Waiting for the controller of ${kind} to see the change`);
    }
    if (isCondition(object, "Stalled", "True")) {
      return failed(explain(conditionOf(object, "Stalled")));
    }
    const reconciling = isCondition(object, "Reconciling", "True");
    const ready = conditionOf(object, "Ready");
    if (!reconciling && (ready === undefined || ready.status === "True")) {
      return done(`${kind} is ready`);
    }
    const reason = explain(reconciling ? conditionOf(object, "Reconciling") : ready);
    return waiting(`Waiting for ${kind} to be ready`, [
      ...(reason === "" ? [] : [reason]),
      ...warningsAbout(related("events"), object),
    ]);
  },
});
