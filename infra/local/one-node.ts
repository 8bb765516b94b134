import { SHIM_GROUP } from "./runtime/spec";

/** Annotations of the add-ons' pods: together they take one shim, some 18 MB, instead of one each. */
export const TOGETHER = { [SHIM_GROUP]: "drydock-add-ons" } as const;

/** Why an add-on has one pod: an exception from the rule `workload-min-replicas`. */
export const ONE_POD = {
  until: "2027-04-30",
  reason: "a local cluster has one real node: a second pod there would fail with the first",
} as const;
