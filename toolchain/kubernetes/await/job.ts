import { getPath, textAt, type JsonMap } from "../objects";
import { warningEvents, warningsAbout } from "./events";
import { groupProblems } from "./pod";
import { done, failed, waiting, type AwaitRule, type Snapshot, type Verdict } from "./rule";
import { conditionOf, explain, isCondition, numberAt } from "./status";
import { isOwnedBy, podsOf } from "./workload";

/** Its run ended well. A suspended one has nothing to wait for until somebody resumes it. */
export const jobRule: AwaitRule = {
  queries: (job) => [
    // The controller deletes the pods of a failed run; what they said last is the reason.
    { ...podsOf(job), keepDeleted: true },
    warningEvents(textAt(job, "metadata", "namespace")),
  ],
  evaluate: (snapshot) => {
    const { object, last } = snapshot;
    const end = ended(last, snapshot);
    if (end !== undefined) {
      return end;
    }
    if (object === undefined) {
      // The controller for finished Jobs may be faster than we are.
      return getPath(last, "spec", "ttlSecondsAfterFinished") === undefined
        ? failed("the Job was deleted while it was waited for")
        : done("Job has finished and was removed, as its ttlSecondsAfterFinished says");
    }
    if (getPath(object, "spec", "suspend") === true) {
      return done("Job is suspended: its run is not waited for");
    }
    return waiting(progressOf(object), problemsOf(object, snapshot));
  },
};

function ended(job: JsonMap, snapshot: Snapshot): Verdict | undefined {
  if (isCondition(job, "Complete", "True")) {
    return done("Job has completed");
  }
  return isCondition(job, "Failed", "True")
    ? failed(explain(conditionOf(job, "Failed")), ...podWords(job, snapshot))
    : undefined;
}

function progressOf(job: JsonMap): string {
  const name = textAt(job, "metadata", "name");
  if (getPath(job, "status", "startTime") === undefined) {
    return `Waiting for Job ${name} to start`;
  }
  const number = (field: string) => String(numberAt(job, "status", field));
  return (
    `Waiting for Job ${name} to succeed ` +
    `(Active: ${number("active")} | Succeeded: ${number("succeeded")} | Failed: ${number("failed")})`
  );
}

function problemsOf(job: JsonMap, snapshot: Snapshot): string[] {
  const words = podWords(job, snapshot);
  if (isCondition(job, "FailureTarget", "True")) {
    return [explain(conditionOf(job, "FailureTarget")), ...words];
  }
  return words.length > 0 ? words : warningsAbout(snapshot.related("events"), job);
}

function podWords(job: JsonMap, { related }: Snapshot): string[] {
  const pods = related("pods").filter(
    (pod) => isOwnedBy(pod, job) && textAt(pod, "status", "phase") !== "Succeeded",
  );
  return groupProblems(pods, related("events"));
}
