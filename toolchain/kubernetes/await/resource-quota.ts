import { deepEqual, mapAt } from "../objects";
import { done, waiting, whileItExists } from "./rule";

/** In force: from here on the controller counts against the declared limits. */
export const resourceQuotaRule = whileItExists({
  evaluate: (quota) =>
    deepEqual(mapAt(quota, "spec", "hard"), mapAt(quota, "status", "hard"))
      ? done("ResourceQuota is in force")
      : waiting("Waiting for ResourceQuota to be in force"),
});
