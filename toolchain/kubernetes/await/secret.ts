import { mapAt, textAt } from "../objects";
import { done, failed, waiting, type AwaitRule } from "./rule";

const TOKEN_TYPE = "kubernetes.io/service-account-token";
const ACCOUNT = "kubernetes.io/service-account.name";

/** A ServiceAccount's token is filled in by a controller; any other Secret is what it is. */
export const secretRule: AwaitRule = {
  queries: () => [],
  evaluate: ({ object, last }) => {
    if (textAt(last, "type") !== TOKEN_TYPE) {
      return done("Secret exists");
    }
    if (object === undefined) {
      const account = textAt(last, "metadata", "annotations", ACCOUNT);
      return failed(
        `the Secret was deleted while it was waited for: ServiceAccount "${account}", ` +
          "whose token it was to hold, does not exist",
      );
    }
    return Object.keys(mapAt(object, "data")).length > 0
      ? done("Secret holds its token")
      : waiting("Waiting for the Secret's token");
  },
};
