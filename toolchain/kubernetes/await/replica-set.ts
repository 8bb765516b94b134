import { textAt } from "../objects";
import { done, waiting, whileItExists } from "./rule";
import { conditionOf, isCondition, isObserved, numberAt, replicasOf } from "./status";
import { workloadProblems, workloadQueries } from "./workload";

/** Every replica is available. Also for the ReplicationController, its elder twin. */
export const replicaSetRule = whileItExists({
  queries: workloadQueries,
  evaluate: (set, snapshot) => {
    const kind = textAt(set, "kind");
    const wanted = replicasOf(set);
    const available = numberAt(set, "status", "availableReplicas");
    const present = numberAt(set, "status", "replicas");
    if (isObserved(set) && present === wanted && available === wanted) {
      return done(`${kind} initialization complete`);
    }
    const problems = workloadProblems(set, snapshot);
    if (isCondition(set, "ReplicaFailure", "True")) {
      const failure = textAt(conditionOf(set, "ReplicaFailure"), "message");
      problems.push(`Pods cannot be created: ${failure}`);
    }
    const pods = `${String(available)}/${String(wanted)} Pods available`;
    return waiting(`Waiting for ${kind} to be available (${pods})`, problems);
  },
});
