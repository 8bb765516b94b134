import { describe, expect, it } from "vitest";

import { awaitRuleFor } from "../../toolchain/kubernetes/await";
import { customResourceDefinitionRule } from "../../toolchain/kubernetes/await/custom-resource-definition";
import { deletionRule } from "../../toolchain/kubernetes/await/deletion";
import { deploymentRule } from "../../toolchain/kubernetes/await/deployment";
import { podRule } from "../../toolchain/kubernetes/await/pod";
import { serviceRule } from "../../toolchain/kubernetes/await/service";
import { volumeClaimRule } from "../../toolchain/kubernetes/await/volume-claim";
import type { Json, JsonMap } from "../../toolchain/kubernetes/objects";
import { condition, imageMissing, judge, podOf, warning, wordsOf } from "./support/rules";

describe("the table of rules", () => {
  it("goes by group and kind, whatever the version", () => {
    expect(awaitRuleFor("apps/v1beta1", "Deployment")).toBe(deploymentRule);
    expect(awaitRuleFor("v1", "Pod")).toBe(podRule);
    expect(awaitRuleFor("v1", "ConfigMap")).toBeUndefined();
    expect(awaitRuleFor("example.com/v1", "Deployment")).toBeUndefined();
  });

  it.each([
    ["v1", "PersistentVolume"],
    ["v1", "PersistentVolumeClaim"],
    ["v1", "Pod"],
    ["v1", "ReplicationController"],
    ["v1", "ResourceQuota"],
    ["v1", "Service"],
    ["apiextensions.k8s.io/v1", "CustomResourceDefinition"],
    ["apiregistration.k8s.io/v1", "APIService"],
    ["apps/v1", "DaemonSet"],
    ["apps/v1", "Deployment"],
    ["apps/v1", "ReplicaSet"],
    ["apps/v1", "StatefulSet"],
    ["autoscaling/v2", "HorizontalPodAutoscaler"],
    ["batch/v1", "Job"],
    ["networking.k8s.io/v1", "Ingress"],
  ])("has a rule for %s %s, which does not wait for a deleted one", (apiVersion, kind) => {
    const rule = awaitRuleFor(apiVersion, kind);
    expect(rule && wordsOf(judge(rule, undefined, { last: { kind } }))).toBe(
      `failed | the ${kind} was deleted while it was waited for`,
    );
  });
});

describe("a Deployment", () => {
  const deployment = (status: JsonMap, spec: JsonMap = {}) => ({
    spec: { replicas: 3, selector: { matchLabels: { app: "web" } }, ...spec },
    status: { observedGeneration: 2, ...status },
  });
  const complete = { updatedReplicas: 3, replicas: 3, availableReplicas: 3 };

  it("is ready when all replicas are new and available", () => {
    expect(judge(deploymentRule, deployment(complete)).state).toBe("done");
    expect(judge(deploymentRule, deployment({}, { replicas: 0 })).state).toBe("done");
    expect(judge(deploymentRule, deployment({}, { paused: true })).state).toBe("done");
  });

  it.each([
    [{ ...complete, observedGeneration: 1 }, "(0/3 Pods available)"],
    [{ updatedReplicas: 2, replicas: 4, availableReplicas: 3 }, "(1/3 Pods available)"],
    [{ updatedReplicas: 3, replicas: 3, availableReplicas: 2 }, "(2/3 Pods available)"],
    [{ updatedReplicas: 3, replicas: 4, availableReplicas: 4 }, "(1 left)"],
    [{}, "(0/3 Pods available)"],
  ])("waits with status %j", (status, message) => {
    expect(judge(deploymentRule, deployment(status))).toMatchObject({
      state: "waiting",
      message: expect.stringContaining(message) as string,
    });
  });

  it("fails when its deadline for progress is over, but not for that of an earlier revision", () => {
    const conditions = [
      condition("Progressing", "False", {
        reason: "ProgressDeadlineExceeded",
        message: "timed out",
      }),
    ];
    expect(judge(deploymentRule, deployment({ conditions }))).toEqual({
      state: "failed",
      problems: ["timed out"],
    });
    expect(judge(deploymentRule, deployment({ conditions, observedGeneration: 1 })).state).toBe(
      "waiting",
    );
  });

  it("speaks of the pods of its newest revision only, the same trouble once", () => {
    const set = (uid: string, revision: string) => ({
      metadata: {
        uid,
        annotations: { "deployment.kubernetes.io/revision": revision },
        ownerReferences: [{ uid: "u1" }],
      },
    });
    const pod = (name: string, owner: string) => podOf(owner, name, imageMissing);
    const found = {
      replicaSets: [set("old", "9"), set("new", "10")],
      pods: [pod("a", "old"), pod("b", "new"), pod("c", "new")],
    };
    expect(judge(deploymentRule, deployment({}), { found })).toMatchObject({
      problems: ["2 Pods (b, c): container c: ErrImagePull: not found"],
    });
  });
});

describe("a Pod", () => {
  const pod = (status: JsonMap, spec: JsonMap = {}) => judge(podRule, { spec, status });

  it("is ready by its condition, or when its run ended well", () => {
    expect(pod({ conditions: [condition("Ready", "True")] }).state).toBe("done");
    expect(pod({ phase: "Succeeded" }).state).toBe("done");
    expect(pod({ phase: "Pending" }).state).toBe("waiting");
  });

  it("fails when it has failed, and tells the exit", () => {
    const containerStatuses = [
      { name: "c", state: { terminated: { exitCode: 137, reason: "OOMKilled" } } },
    ];
    expect(pod({ phase: "Failed", containerStatuses }, { restartPolicy: "Never" })).toEqual({
      state: "failed",
      problems: ["Pod web: container c: ended with exit code 137 (OOMKilled)"],
    });
  });

  it("tells why a container restarts", () => {
    const containerStatuses = [
      {
        name: "c",
        state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } },
        lastState: { terminated: { exitCode: 1, reason: "Error", message: "no config\n" } },
      },
    ];
    expect(pod({ containerStatuses })).toMatchObject({
      problems: [
        "Pod web: container c: CrashLoopBackOff: back-off 10s; ended with exit code 1: no config",
      ],
    });
  });

  it("falls back on the newest warning of each reason", () => {
    const events = [
      warning("FailedMount", "old", "2030-01-01T00:00:00Z"),
      warning("FailedMount", "configmap not found", "2030-01-01T00:00:05Z"),
      { ...warning("Other", "not about it"), involvedObject: { uid: "u2" } },
    ];
    expect(judge(podRule, { status: {} }, { found: { events } })).toMatchObject({
      problems: ["Pod web: FailedMount: configmap not found"],
    });
  });
});

describe("a Service", () => {
  const service = (spec: JsonMap, found: Record<string, JsonMap[]> = {}, status: JsonMap = {}) =>
    judge(serviceRule, { spec, status }, { found }).state;
  const selector = { app: "web" };

  it("needs a ready endpoint only where it has pods to find", () => {
    expect(service({ selector })).toBe("waiting");
    expect(service({ selector }, { slices: [{ endpoints: [{}] }] })).toBe("done");
    const unready = { endpoints: [{ conditions: { ready: false } }] };
    expect(service({ selector }, { slices: [unready] })).toBe("waiting");
    expect(service({ selector, clusterIP: "None" })).toBe("done");
    expect(service({ selector, type: "ExternalName" })).toBe("done");
    expect(service({})).toBe("done");
  });

  it("of type LoadBalancer needs an address", () => {
    expect(service({ type: "LoadBalancer" })).toBe("waiting");
    const status = { loadBalancer: { ingress: [{ hostname: "a.example" }] } };
    expect(service({ type: "LoadBalancer" }, {}, status)).toBe("done");
  });

  it("whose port has changed waits for it where the load balancer lists its ports", () => {
    const spec = { type: "LoadBalancer", ports: [{ port: 81 }] };
    const at = (port: number) => ({
      loadBalancer: { ingress: [{ ip: "127.0.0.1", ports: [{ port, protocol: "TCP" }] }] },
    });
    expect(service(spec, {}, at(80))).toBe("waiting");
    expect(service(spec, {}, at(81))).toBe("done");
  });
});

describe("a PersistentVolumeClaim", () => {
  const claim = (phase: string, spec: JsonMap, classes: JsonMap[] = []) =>
    judge(volumeClaimRule, { spec, status: { phase } }, { found: { classes } }).state;
  const lazy = {
    metadata: {
      name: "lazy",
      annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
    },
    volumeBindingMode: "WaitForFirstConsumer",
  };

  it("is bound, lost, or waits for a volume or for a pod", () => {
    expect(claim("Bound", {})).toBe("done");
    expect(claim("Lost", {})).toBe("failed");
    expect(claim("Pending", { storageClassName: "lazy" }, [lazy])).toBe("done");
    expect(claim("Pending", {}, [lazy])).toBe("done");
    expect(claim("Pending", { storageClassName: "" }, [lazy])).toBe("waiting");
    expect(claim("Pending", { storageClassName: "other" }, [lazy])).toBe("waiting");
  });
});

describe("a CustomResourceDefinition", () => {
  it("is established, or its names are taken", () => {
    const of = (...conditions: Json[]) =>
      judge(customResourceDefinitionRule, { status: { conditions } });
    expect(of(condition("Established", "True")).state).toBe("done");
    expect(of().state).toBe("waiting");
    expect(of(condition("NamesAccepted", "False", { message: "taken" }))).toEqual({
      state: "failed",
      problems: ["taken"],
    });
  });
});

describe("a deletion", () => {
  const rule = deletionRule("u1");

  it("is done when the object is gone or another one has its name", () => {
    expect(judge(rule, undefined).state).toBe("done");
    expect(judge(deletionRule("u0"), {}).state).toBe("done");
  });

  it("tells what still holds the object", () => {
    const finalizers = ["foregroundDeletion", "example.com/hold"];
    const conditions = [
      condition("NamespaceContentRemaining", "True", { message: "pods. has 1 resource instances" }),
      condition("NamespaceDeletionDiscoveryFailure", "False", { message: "fine" }),
    ];
    expect(
      judge(rule, { metadata: { finalizers }, status: { conditions } }, { waitedSeconds: 5 }),
    ).toMatchObject({
      state: "waiting",
      problems: ["pods. has 1 resource instances", "finalizers not yet done: example.com/hold"],
    });
  });
});
