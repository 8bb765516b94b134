import { done, waiting, whileItExists } from "./rule";
import { conditionOf, explain } from "./status";

/** Its extension API server answers: while it does not, no object of its group can be made. */
export const apiServiceRule = whileItExists({
  evaluate: (service) => {
    const available = conditionOf(service, "Available");
    if (available?.status === "True") {
      return done("APIService is available");
    }
    const reason = explain(available);
    return waiting("Waiting for APIService to be available", reason === "" ? [] : [reason]);
  },
});
