import { afterEach, describe, expect, it, vi } from "vitest";

import { apiServiceRule } from "../../toolchain/kubernetes/await/api-service";
import { deletionRule } from "../../toolchain/kubernetes/await/deletion";
import { genericRule } from "../../toolchain/kubernetes/await/generic";
import { horizontalPodAutoscalerRule } from "../../toolchain/kubernetes/await/horizontal-pod-autoscaler";
import { awaitRuleFor, chooseRule } from "../../toolchain/kubernetes/await";
import { ingressRule } from "../../toolchain/kubernetes/await/ingress";
import { bounded, several } from "../../toolchain/kubernetes/await/problems";
import { resourceQuotaRule } from "../../toolchain/kubernetes/await/resource-quota";
import { secretRule } from "../../toolchain/kubernetes/await/secret";
import { volumeRule } from "../../toolchain/kubernetes/await/volume";
import type { Json, JsonMap } from "../../toolchain/kubernetes/objects";
import { condition, judge, warning, wordsOf, type Situation } from "./support/rules";

describe("an Ingress", () => {
  const path = (service: JsonMap, at = "/a") => ({ path: at, backend: { service } });
  const spec = {
    ingressClassName: "nginx",
    defaultBackend: { service: { name: "other" } },
    rules: [{ host: "web.test", http: { paths: [path({ name: "web" })] } }],
  };
  const slice = (name: string) => ({
    metadata: { labels: { "kubernetes.io/service-name": name } },
  });
  const service = (name: string, type = "ClusterIP") => ({ metadata: { name }, spec: { type } });
  const classes = [{ metadata: { name: "nginx" } }];
  const addressed = { loadBalancer: { ingress: [{ hostname: "lb.test" }] } };
  const ingress = (status: JsonMap, situation: Situation, declared: JsonMap = spec) =>
    judge(ingressRule, { spec: declared, status }, situation);
  const services = [service("web"), service("other", "ExternalName")];

  it("needs endpoints behind every path and an address", () => {
    const found = { services, slices: [slice("web")], classes };
    expect(ingress(addressed, { found }).state).toBe("done");
    expect(wordsOf(ingress({}, { found }))).toBe(
      "waiting | [2/3] Waiting for the Ingress controller to give an address | " +
        "no Ingress controller has given it an address yet",
    );
  });

  it("names the backends that are missing, and after a minute goes on without them", () => {
    const found = { services: [service("web")], classes };
    expect(wordsOf(ingress(addressed, { found, waitedSeconds: 59 }))).toBe(
      "waiting | [1/3] Finding a matching service for each Ingress path | " +
        'Service web, to which "web.test/a" leads, has no endpoints | ' +
        "Service other, to which the default backend leads, does not exist",
    );
    expect(ingress(addressed, { found, waitedSeconds: 60 })).toMatchObject({
      state: "done",
      warnings: [expect.stringContaining("Service web"), expect.stringContaining("Service other")],
    });
  });

  it("does not look for Services behind other resources or a controller's actions", () => {
    const paths = [
      path({ name: "redirect", port: { name: "use-annotation" } }),
      { path: "/b", backend: { resource: { kind: "Bucket", name: "b" } } },
    ];
    expect(ingress(addressed, {}, { rules: [{ http: { paths } }, {}] }).state).toBe("done");
  });

  it("says when no controller can feel addressed", () => {
    const named = { ingressClassName: "nginx" };
    expect(wordsOf(ingress({}, {}, named))).toContain("IngressClass nginx does not exist");
    expect(wordsOf(ingress({}, { found: { classes } }, {}))).toContain("names no ingressClassName");
    const annotations = { "ingressclass.kubernetes.io/is-default-class": "true" };
    const standard = [{ metadata: { name: "nginx", annotations } }];
    expect(wordsOf(ingress({}, { found: { classes: standard } }, {}))).not.toContain("names no");
    const events = [warning("Sync", "certificate missing")];
    expect(wordsOf(ingress({}, { found: { classes, events } }, named))).toContain(
      "Sync: certificate missing",
    );
  });
});

describe("a HorizontalPodAutoscaler", () => {
  const able = condition("AbleToScale", "True");
  const blind = condition("ScalingActive", "False", {
    reason: "FailedGetResourceMetric",
    message: "no metrics",
  });
  const autoscaler = (conditions: Json[], waitedSeconds = 0) =>
    judge(horizontalPodAutoscalerRule, { status: { conditions } }, { waitedSeconds });

  it("is ready when it scales, or is switched off", () => {
    expect(autoscaler([able, condition("ScalingActive", "True")]).state).toBe("done");
    const off = condition("ScalingActive", "False", { reason: "ScalingDisabled" });
    expect(autoscaler([able, off]).state).toBe("done");
  });

  it("is waited for a while only, and never fails an update", () => {
    expect(autoscaler([], 29).state).toBe("waiting");
    expect(autoscaler([able, blind], 29).state).toBe("waiting");
    expect(autoscaler([able, blind], 30)).toMatchObject({
      state: "done",
      warnings: ["it does not scale yet: FailedGetResourceMetric: no metrics"],
    });
  });

  it("is understood in autoscaling/v1, which has its conditions in an annotation", () => {
    const text = JSON.stringify([able, condition("ScalingActive", "True")]);
    const annotations = { "autoscaling.alpha.kubernetes.io/conditions": text };
    expect(judge(horizontalPodAutoscalerRule, { metadata: { annotations } }).state).toBe("done");
  });
});

describe("small kinds", () => {
  it.each([
    ["a volume that claims can have", volumeRule, { status: { phase: "Available" } }, "done"],
    ["a volume in use", volumeRule, { status: { phase: "Bound" } }, "done"],
    ["a volume not seen yet", volumeRule, { status: { phase: "Pending" } }, "waiting"],
    ["a broken volume", volumeRule, { status: { phase: "Failed", message: "lost" } }, "failed"],
    [
      "a quota in force",
      resourceQuotaRule,
      { spec: { hard: { pods: "1" } }, status: { hard: { pods: "1" } } },
      "done",
    ],
    [
      "a quota with the limits of before",
      resourceQuotaRule,
      { spec: { hard: { pods: "1" } }, status: { hard: { pods: "2" } } },
      "waiting",
    ],
    ["any Secret", secretRule, { type: "Opaque" }, "done"],
    [
      "a token to be filled in",
      secretRule,
      { type: "kubernetes.io/service-account-token" },
      "waiting",
    ],
    [
      "a token",
      secretRule,
      { type: "kubernetes.io/service-account-token", data: { token: "x" } },
      "done",
    ],
    [
      "an API that answers",
      apiServiceRule,
      { status: { conditions: [condition("Available", "True")] } },
      "done",
    ],
    [
      "an API that does not",
      apiServiceRule,
      { status: { conditions: [condition("Available", "False", { reason: "MissingEndpoints" })] } },
      "waiting",
    ],
  ])("%s", (_, rule, object, state) => {
    expect(judge(rule, object).state).toBe(state);
  });

  it("explain a token whose ServiceAccount is missing", () => {
    const last = {
      type: "kubernetes.io/service-account-token",
      metadata: { annotations: { "kubernetes.io/service-account.name": "nobody" } },
    };
    expect(wordsOf(judge(secretRule, undefined, { last }))).toContain(
      'ServiceAccount "nobody", whose token it was to hold, does not exist',
    );
  });
});

describe("any other kind, on request", () => {
  afterEach(() => vi.unstubAllEnvs());
  const any = (status: JsonMap) => judge(genericRule, { kind: "Certificate", status });
  const ready = (status: string) => condition("Ready", status, { reason: "Pending" });

  it.each([
    ["without a status", {}, "done"],
    ["that is Ready", { conditions: [ready("True")] }, "done"],
    ["that is not Ready", { conditions: [ready("False")] }, "waiting"],
    ["that may be Ready", { conditions: [ready("Unknown")] }, "waiting"],
    ["seen in an earlier form", { observedGeneration: 1, conditions: [ready("True")] }, "waiting"],
    ["that changes", { conditions: [ready("True"), condition("Reconciling", "True")] }, "waiting"],
    ["that is stalled", { conditions: [condition("Stalled", "True", { reason: "No" })] }, "failed"],
  ])("an object %s", (_, status, state) => {
    expect(any(status).state).toBe(state);
  });

  it("is waited for only where PULUMI_K8S_AWAIT_ALL says so", () => {
    const object = { apiVersion: "cert-manager.io/v1", kind: "Certificate", metadata: {} };
    expect(chooseRule(object)).toBeUndefined();
    vi.stubEnv("PULUMI_K8S_AWAIT_ALL", "true");
    expect(chooseRule(object)).toBe(genericRule);
    const pod = { apiVersion: "v1", kind: "Pod", metadata: {} };
    expect(chooseRule(pod)).toBe(awaitRuleFor("v1", "Pod"));
    const annotations = { "pulumi.com/skipAwait": "true", "pulumi.com/waitFor": "condition=Ready" };
    expect(chooseRule({ ...object, metadata: { annotations } })).toBeUndefined();
  });
});

describe("what is said", () => {
  it("is bounded in number and length, and says nothing twice", () => {
    const lines = bounded([
      "same",
      "same",
      ...Array.from({ length: 12 }, (_, i) => `p${String(i)}`),
    ]);
    expect(lines).toHaveLength(9);
    expect(lines.at(-1)).toBe("and 5 more problems");
    expect(bounded(["x".repeat(5_000)])[0]).toHaveLength(600);
    expect(several("Pod", ["a", "b", "c", "d", "e"])).toBe("5 Pods (a, b, c and 2 more)");
  });

  it("names finalizers after a moment only, and the pods that are still there", () => {
    const object = {
      kind: "Deployment",
      metadata: { finalizers: ["example.com/hold"] },
      spec: { template: { spec: { containers: [] } } },
    };
    const pods = [{ metadata: { name: "web-1", finalizers: ["example.com/log"] } }];
    const rule = deletionRule("u1");
    expect(wordsOf(judge(rule, object, { found: { pods } }))).toBe(
      "waiting | Waiting for Deployment to be deleted",
    );
    expect(wordsOf(judge(rule, object, { found: { pods }, waitedSeconds: 5 }))).toBe(
      "waiting | Waiting for Deployment to be deleted | " +
        "finalizers not yet done: example.com/hold | Pod web-1 is still there | " +
        "Pod web-1: finalizers not yet done: example.com/log",
    );
    const { metadata, ...rest } = object;
    const full = { apiVersion: "apps/v1", ...rest, metadata: { ...metadata, namespace: "team" } };
    expect(rule.queries(full).map(({ kind }) => kind)).toEqual(["Pod"]);
  });
});
