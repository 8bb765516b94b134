/** Why an add-on has one pod: an exception from the rule `workload-min-replicas`. */
export const ONE_POD = {
  until: "2027-04-30",
  reason: "a local cluster has one real node: a second pod there would fail with the first",
} as const;
