import { getPath, listAt, textAt, type Json, type JsonMap } from "../objects";
import { warningEvents, warningsAbout } from "./events";
import { several } from "./problems";
import { done, failed, waiting, whileItExists } from "./rule";
import { conditionOf, isCondition } from "./status";

/** Ready, or a run that ended well. */
export const podRule = whileItExists({
  queries: (pod) => [warningEvents(textAt(pod, "metadata", "namespace"))],
  evaluate: (pod, { related }) => {
    const name = textAt(pod, "metadata", "name");
    const phase = textAt(pod, "status", "phase");
    if (phase === "Succeeded") {
      return done("Pod has completed");
    }
    const problems = podProblems(pod, related("events")).map(
      (problem) => `Pod ${name}: ${problem}`,
    );
    if (phase === "Failed") {
      return failed(...(problems.length > 0 ? problems : [`Pod ${name} failed`]));
    }
    return isReady(pod)
      ? done("Pod is ready")
      : waiting(`Waiting for Pod ${name} to be ready (${phase || "not started"})`, problems);
  },
});

export function isReady(pod: Json): boolean {
  return isCondition(pod, "Ready", "True");
}

/** Reasons a container waits that pass by themselves. */
const STARTING: ReadonlySet<string> = new Set(["", "ContainerCreating", "PodInitializing"]);

/** Why a pod is not ready, in the words of the scheduler and the kubelet. */
export function podProblems(pod: JsonMap, events: readonly JsonMap[]): string[] {
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.status === "False") {
    return [`cannot be scheduled: ${textAt(scheduled, "message")}`];
  }
  const containers = [
    ...listAt(pod, "status", "initContainerStatuses"),
    ...listAt(pod, "status", "containerStatuses"),
  ];
  const problems = containers.flatMap((container) => containerProblem(container));
  if (textAt(pod, "status", "phase") === "Failed") {
    problems.push(textAt(pod, "status", "message") || textAt(pod, "status", "reason"));
  }
  const found = problems.filter((problem) => problem !== "");
  // Failed mounts and probes show up as events alone.
  return found.length > 0 || isReady(pod) ? found : warningsAbout(events, pod);
}

function containerProblem(container: Json): string[] {
  const name = textAt(container, "name");
  const state = getPath(container, "state");
  const ended = getPath(container, "lastState", "terminated") ?? getPath(state, "terminated");
  const reason = textAt(state, "waiting", "reason");
  if (!STARTING.has(reason)) {
    const message = textAt(state, "waiting", "message");
    const detail = [message, exitOf(ended)].filter((text) => text !== "").join("; ");
    return [`container ${name}: ${reason}${detail === "" ? "" : `: ${detail}`}`];
  }
  const exit = getPath(state, "terminated", "exitCode");
  return typeof exit === "number" && exit !== 0
    ? [`container ${name}: ${exitOf(getPath(state, "terminated"))}`]
    : [];
}

function exitOf(terminated: Json | undefined): string {
  const code = getPath(terminated, "exitCode");
  if (typeof code !== "number") {
    return "";
  }
  const reason = textAt(terminated, "reason");
  const message = textAt(terminated, "message").trim();
  const words = [`ended with exit code ${String(code)}`];
  if (reason !== "" && reason !== "Error") {
    words.push(`(${reason})`);
  }
  return message === "" ? words.join(" ") : `${words.join(" ")}: ${message}`;
}

/** The same problem of several pods as one line: `2 Pods (a, b): container web: …`. */
export function groupProblems(pods: readonly JsonMap[], events: readonly JsonMap[]): string[] {
  const groups = new Map<string, string[]>();
  for (const pod of pods) {
    const name = textAt(pod, "metadata", "name");
    for (const problem of podProblems(pod, events)) {
      groups.set(problem, [...(groups.get(problem) ?? []), name]);
    }
  }
  return [...groups].map(([problem, names]) => `${several("Pod", names)}: ${problem}`);
}
