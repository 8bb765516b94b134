import { done, failed, waiting, whileItExists } from "./rule";
import { conditionOf, explain, isCondition } from "./status";

/** Served by the API server, so that objects of the new kind can be created. */
export const customResourceDefinitionRule = whileItExists({
  evaluate: (definition) => {
    if (isCondition(definition, "NamesAccepted", "False")) {
      return failed(explain(conditionOf(definition, "NamesAccepted")));
    }
    const established = conditionOf(definition, "Established");
    if (established?.status === "True") {
      return done("CustomResourceDefinition is established");
    }
    const reason = explain(established);
    return waiting(
      "Waiting for CustomResourceDefinition to be established",
      reason === "" ? [] : [reason],
    );
  },
});
