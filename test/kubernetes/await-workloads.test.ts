import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { daemonSetRule } from "../../toolchain/kubernetes/await/daemon-set";
import { jobRule } from "../../toolchain/kubernetes/await/job";
import { replicaSetRule } from "../../toolchain/kubernetes/await/replica-set";
import { statefulSetRule } from "../../toolchain/kubernetes/await/stateful-set";
import type { JsonMap } from "../../toolchain/kubernetes/objects";
import {
  condition,
  imageMissing,
  judge,
  podOf,
  warning,
  wordsOf,
  type Situation,
} from "./support/rules";

const counts = fc.nat({ max: 4 });

describe("a StatefulSet", () => {
  const set = (status: JsonMap, spec: JsonMap = {}, situation: Situation = {}) => {
    const full = { observedGeneration: 2, currentRevision: "b", updateRevision: "b", ...status };
    return judge(statefulSetRule, { spec: { replicas: 3, ...spec }, status: full }, situation);
  };
  const complete = { replicas: 3, readyReplicas: 3, updatedReplicas: 3, currentReplicas: 3 };
  const partition = (number: number) => ({
    updateStrategy: { rollingUpdate: { partition: number } },
  });
  const onDelete = { updateStrategy: { type: "OnDelete" } };

  it.each([
    ["all are ready and of the newest revision", complete, {}],
    ["none is wanted", {}, { replicas: 0 }],
    [
      "the update stops at its partition",
      { ...complete, updatedReplicas: 1, currentRevision: "a" },
      partition(2),
    ],
    [
      "a person deletes the pods",
      { ...complete, updatedReplicas: 0, currentRevision: "a" },
      onDelete,
    ],
    [
      "they were ready for long enough",
      { ...complete, availableReplicas: 3 },
      { minReadySeconds: 5 },
    ],
  ])("is ready when %s", (_, status, spec) => {
    expect(set(status, spec).state).toBe("done");
  });

  it.each([
    ["the controller has not seen the change", { ...complete, observedGeneration: 1 }, {}],
    ["a replica is not ready", { ...complete, readyReplicas: 2 }, {}],
    ["one too many is there", { ...complete, replicas: 4 }, {}],
    ["the revision has not moved on", { ...complete, currentRevision: "a" }, {}],
    [
      "the update has not come to its partition",
      { ...complete, updatedReplicas: 1, currentRevision: "a" },
      partition(1),
    ],
    [
      "they have not been ready for long",
      { ...complete, availableReplicas: 2 },
      { minReadySeconds: 5 },
    ],
  ])("waits while %s", (_, status, spec) => {
    expect(set(status, spec).state).toBe("waiting");
  });

  it("is never done with fewer ready replicas than wanted", () => {
    fc.assert(
      fc.property(counts, counts, counts, counts, (replicas, ready, updated, cut) => {
        const status = { replicas, readyReplicas: ready, updatedReplicas: updated };
        const isDone = set(status, { replicas: 3, ...partition(cut) }).state === "done";
        expect(isDone).toBe(replicas === 3 && ready === 3 && updated >= 3 - cut);
      }),
    );
  });

  it("tells a refusal of its pods, and a pod that blocks the update", () => {
    const events = [warning("FailedCreate", "exceeded quota: small")];
    expect(wordsOf(set({}, {}, { found: { events } }))).toContain("exceeded quota: small");
    const pods = [podOf("u1", "web-2", imageMissing)];
    expect(wordsOf(set({ ...complete, readyReplicas: 2 }, {}, { found: { pods } }))).toBe(
      "waiting | Waiting for StatefulSet update to roll out (2/3 Pods ready, 3/3 updated) | " +
        "Pod web-2: container c: ErrImagePull: not found | " +
        "Pod web-2 of an earlier revision must be ready before the update goes on. " +
        "If it cannot be, delete it: kubectl delete pod web-2",
    );
  });
});

describe("a DaemonSet", () => {
  const set = (status: JsonMap, spec: JsonMap = {}, situation: Situation = {}) =>
    judge(daemonSetRule, { spec, status: { observedGeneration: 2, ...status } }, situation);
  const complete = {
    desiredNumberScheduled: 2,
    currentNumberScheduled: 2,
    updatedNumberScheduled: 2,
    numberAvailable: 2,
  };

  it("is ready with an available pod of the newest form on every node meant", () => {
    expect(set(complete).state).toBe("done");
    expect(set({ desiredNumberScheduled: 0 })).toMatchObject({
      state: "done",
      message: "DaemonSet initialization complete (no node is meant for it)",
    });
    expect(set({ ...complete, observedGeneration: 1 }).state).toBe("waiting");
    expect(wordsOf(set({ ...complete, updatedNumberScheduled: 1, numberAvailable: 1 }))).toBe(
      "waiting | Waiting for DaemonSet to roll out (1/2 Pods updated, 1/2 available)",
    );
  });

  it("does not wait for a person to delete pods", () => {
    const onDelete = { updateStrategy: { type: "OnDelete" } };
    expect(set({ ...complete, updatedNumberScheduled: 0 }, onDelete).state).toBe("done");
    expect(set({ ...complete, numberAvailable: 1 }, onDelete).state).toBe("waiting");
  });

  it("is done exactly when nothing is missing", () => {
    fc.assert(
      fc.property(counts, counts, counts, (desired, updated, available) => {
        const status = {
          desiredNumberScheduled: desired,
          updatedNumberScheduled: updated,
          numberAvailable: available,
        };
        const isDone = set(status).state === "done";
        expect(isDone).toBe(updated >= desired && available >= desired);
      }),
    );
  });
});

describe("a ReplicaSet and a ReplicationController", () => {
  const set = (kind: string, status: JsonMap) =>
    judge(replicaSetRule, {
      kind,
      spec: { replicas: 2 },
      status: { observedGeneration: 2, ...status },
    });

  it.each(["ReplicaSet", "ReplicationController"])("is a %s with all replicas", (kind) => {
    expect(set(kind, { replicas: 2, availableReplicas: 2 }).state).toBe("done");
    expect(set(kind, { replicas: 3, availableReplicas: 2 }).state).toBe("waiting");
    const conditions = [condition("ReplicaFailure", "True", { message: "forbidden" })];
    expect(wordsOf(set(kind, { conditions }))).toBe(
      `waiting | Waiting for ${kind} to be available (0/2 Pods available) | ` +
        "Pods cannot be created: forbidden",
    );
  });
});

describe("a Job", () => {
  const job = (status: JsonMap, spec: JsonMap = {}, situation: Situation = {}) =>
    judge(jobRule, { spec, status }, situation);
  const failure = condition("Failed", "True", {
    reason: "BackoffLimitExceeded",
    message: "Job has reached the specified backoff limit",
  });
  const exit = { terminated: { exitCode: 3, reason: "Error", message: "no such table\n" } };
  const pods = [
    podOf("u1", "web-a", exit),
    podOf("u1", "web-b", exit),
    { metadata: { name: "x", uid: "x" } },
  ];

  it("is ready when its run ended well, or has not to begin", () => {
    expect(job({ conditions: [condition("Complete", "True")] }).state).toBe("done");
    expect(job({}, { suspend: true }).state).toBe("done");
    expect(wordsOf(job({}))).toBe("waiting | Waiting for Job web to start");
    expect(wordsOf(job({ startTime: "2030-01-01T00:00:00Z", active: 1, failed: 2 }))).toBe(
      "waiting | Waiting for Job web to succeed (Active: 1 | Succeeded: 0 | Failed: 2)",
    );
  });

  it("fails with the reason and the last words of its pods, each once", () => {
    expect(wordsOf(job({ conditions: [failure] }, {}, { found: { pods } }))).toBe(
      "failed | BackoffLimitExceeded: Job has reached the specified backoff limit | " +
        "2 Pods (web-a, web-b): container c: ended with exit code 3: no such table",
    );
  });

  it("shows why its pods fail or cannot be made while it still tries", () => {
    expect(wordsOf(job({ startTime: "x", failed: 1 }, {}, { found: { pods } }))).toContain(
      "ended with exit code 3: no such table",
    );
    const events = [warning("FailedCreate", "exceeded quota")];
    expect(wordsOf(job({ startTime: "x" }, {}, { found: { events } }))).toContain(
      "FailedCreate: exceeded quota",
    );
    const conditions = [condition("FailureTarget", "True", { reason: "PodFailurePolicy" })];
    expect(wordsOf(job({ startTime: "x", conditions }))).toContain("PodFailurePolicy");
  });

  it("may have been removed after its run already", () => {
    const gone = (last: JsonMap) => judge(jobRule, undefined, { last });
    const spec = { ttlSecondsAfterFinished: 0 };
    expect(gone({ spec }).state).toBe("done");
    expect(gone({ spec, status: { conditions: [failure] } }).state).toBe("failed");
    expect(gone({ status: { conditions: [condition("Complete", "True")] } }).state).toBe("done");
    expect(wordsOf(gone({}))).toBe("failed | the Job was deleted while it was waited for");
  });
});
