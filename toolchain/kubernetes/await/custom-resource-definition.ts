import { textAt } from "../objects";
import { conditionOf } from "./pod";
import { done, failed, waiting, type AwaitRule } from "./rule";

/** Served by the API server, so that objects of the new kind can be created. */
export const customResourceDefinitionRule: AwaitRule = {
  queries: () => [],
  evaluate: ({ object: definition }) => {
    if (definition === undefined) {
      return failed("the CustomResourceDefinition was deleted while it was waited for");
    }
    const names = conditionOf(definition, "NamesAccepted");
    if (names?.status === "False") {
      return failed(textAt(names, "message"));
    }
    return conditionOf(definition, "Established")?.status === "True"
      ? done("CustomResourceDefinition is established")
      : waiting("Waiting for CustomResourceDefinition to be established");
  },
};
