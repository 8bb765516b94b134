import { beforeAll, describe, expect, it } from "vitest";

import { getPath, textAt } from "../../toolchain/kubernetes/objects";
import { UNKNOWN, type PropertyMap } from "../../toolchain/plugin/serve";
import { failureOf, initFailureOf } from "./support/engine";
import { urnOf, useControlPlane } from "./support/fixture";
import {
  addNodeByHand,
  endingPods,
  imagePullBackOff,
  onNodeByHand,
  podReady,
  reportPods,
} from "./support/kubelet";

/** `hand: true` puts the pods on a node where the test plays the kubelet. */
const deployment = (name: string, options: { hand?: boolean; image?: string } = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        ...(options.hand === true ? onNodeByHand : {}),
        containers: [{ name: "web", image: options.image ?? "web:1" }],
      },
    },
  },
});

const service = (name: string, spec: PropertyMap): PropertyMap => ({
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 80 }], ...spec },
});

describe("readiness on a real API server", () => {
  const cluster = useControlPlane();
  const urn = urnOf("apps/v1:Deployment", "web");

  beforeAll(() => addNodeByHand(cluster().other));

  it("waits for a Deployment and tells its progress", async () => {
    const { engine, other, create } = cluster();
    const lines = () => engine.messages.filter((message) => message.urn === urn);
    const creating = create(urn, deployment("steady", { hand: true }));
    const progress = await other.eventually(() => Promise.resolve(lines().at(0)));
    expect(progress.text).toBe("Waiting for app ReplicaSet to be available (0/2 Pods available)");
    await reportPods(other, "steady", podReady, 2);
    const state = await creating;
    expect(getPath(state.outputs as never, "status", "availableReplicas")).toBe(2);
    expect(lines().at(-1)).toMatchObject({
      severity: "status",
      text: "Deployment initialization complete",
    });

    const news = await engine.check(urn, deployment("steady", { image: "web:2" }), state.inputs);
    const updating = engine.update(urn, state, { ...state.inputs, ...news });
    const state2 = await endingPods(other, "steady", updating);
    expect(JSON.stringify(state2.outputs.status)).toContain('"updatedReplicas":2');
    // The old pods may outlive the rollout, and nobody else ends them.
    await endingPods(other, "steady", engine.delete(urn, state2));
  });

  it("keeps a Deployment that never becomes ready in state, with the kubelet's reason", async () => {
    const { engine, other, create } = cluster();
    const creating = create(urn, deployment("broken", { hand: true }), { timeoutSeconds: 8 });
    const failing = creating.catch((error: unknown) => error);
    await reportPods(other, "broken", imagePullBackOff, 2);
    const failure = initFailureOf(await failing);
    expect(failure.id).toBe("default/broken");
    expect(failure.reasons[0]).toBe("Deployment default/broken is not ready after 8 s");
    expect(failure.reasons[1]).toMatch(
      /^2 Pods \(broken-.*, broken-.*\): container web: ImagePullBackOff: Back-off pulling image "web:1"$/,
    );
    expect(failure.outputs).toMatchObject({ kind: "Deployment", metadata: { name: "broken" } });
    expect(engine.texts("status").join("\n")).toContain("ImagePullBackOff");

    const state = { id: failure.id, inputs: deployment("broken"), outputs: failure.outputs };
    const refreshed = await engine.read(urn, state).catch((error: unknown) => initFailureOf(error));
    expect(refreshed).toMatchObject({ reasons: [expect.stringContaining("ImagePullBackOff")] });
    const mended = await engine.check(urn, deployment("broken"), state.inputs);
    const recovered = await endingPods(other, "broken", engine.update(urn, state, mended));
    await endingPods(other, "broken", engine.delete(urn, recovered));
  });

  it("says that no node takes the pods, and that a quota is used up", async () => {
    const { engine, other, create } = cluster();
    const news = deployment("homeless");
    const nowhere = {
      ...news,
      spec: {
        ...news.spec,
        template: {
          ...news.spec.template,
          spec: { ...news.spec.template.spec, nodeSelector: { no: "where" } },
        },
      },
    };
    const failure = initFailureOf(
      await create(urn, nowhere, { timeoutSeconds: 6 }).catch((error: unknown) => error),
    );
    expect(failure.reasons[1]).toMatch(/cannot be scheduled: .*node affinity\/selector/);
    await engine.delete(urn, { ...failure, inputs: nowhere });

    await other.post("/api/v1/namespaces", { metadata: { name: "tight" } });
    await other.post("/api/v1/namespaces/tight/resourcequotas", {
      metadata: { name: "one-pod" },
      spec: { hard: { pods: "1" } },
    });
    // Before a controller has counted, and made the account of pods, each pod is refused for another reason.
    await other.eventually(async () => {
      const quota = await other.get("/api/v1/namespaces/tight/resourcequotas/one-pod");
      return getPath(quota, "status", "hard", "pods");
    });
    await other.eventually(() =>
      other.get("/api/v1/namespaces/tight/serviceaccounts/default").catch(() => undefined),
    );
    const many = { ...deployment("many"), metadata: { name: "many", namespace: "tight" } };
    const limited = initFailureOf(
      await create(urn, many, { timeoutSeconds: 8 }).catch((error: unknown) => error),
    );
    expect(limited.reasons.join("\n")).toContain("exceeded quota: one-pod");
    await engine.delete(urn, { ...limited, inputs: many });
  });

  it("aborts waiting on Cancel, keeping what exists", async () => {
    const { engine, create, other } = cluster();
    const stuckUrn = urnOf("apps/v1:Deployment", "stuck");
    const creating = create(stuckUrn, deployment("stuck", { hand: true }));
    const failing = creating.catch((error: unknown) => error);
    await other.eventually(() =>
      Promise.resolve(engine.messages.find((message) => message.urn === stuckUrn)),
    );
    await engine.cancel();
    const failure = initFailureOf(await failing);
    expect(failure.reasons[0]).toBe(
      "Deployment default/stuck was not waited for: cancelled. It stays in state; the next update waits for it",
    );
    await other.delete("/apis/apps/v1/namespaces/default/deployments/stuck");
    await engine.handshake();
  });

  it("waits for a Service until a pod is ready, at once when one is", async () => {
    const { engine, other, create } = cluster();
    const serviceUrn = urnOf("core/v1:Service", "web");
    const waiting = create(serviceUrn, service("served", {}));
    const line = await other.eventually(() =>
      Promise.resolve(engine.messages.find((message) => message.urn === serviceUrn)),
    );
    expect(line.text).toBe(
      '[1/3] Finding Pods to direct traffic to: no ready Pod matches the selector {"app":"served"}',
    );
    const backend = await create(urn, deployment("served"));
    const state = await waiting;
    const before = performance.now();
    const second = await create(serviceUrn, service("second", { selector: { app: "served" } }));
    // Not as long as one that has to be waited for.
    expect(performance.now() - before).toBeLessThan(30_000);
    const headless = await create(serviceUrn, service("headless", { clusterIP: "None" }));
    await Promise.all([state, second, headless].map((item) => engine.delete(serviceUrn, item)));
    await engine.delete(urn, backend);
  });

  it("waits for a load balancer's address and shows why there is none", async () => {
    const { engine, other, create } = cluster();
    const serviceUrn = urnOf("core/v1:Service", "public");
    const loadBalancer = service("public", { type: "LoadBalancer", selector: {} });
    const inputs = await engine.check(serviceUrn, loadBalancer);
    const preview = await engine.create(serviceUrn, inputs, { preview: true });
    expect(preview.outputs.status).toBe(UNKNOWN);

    const creating = create(serviceUrn, loadBalancer, { timeoutSeconds: 3 });
    const failing = creating.catch((error: unknown) => error);
    const path = "/api/v1/namespaces/default/services/public";
    const live = await other.eventually(() => other.get(path).catch(() => undefined));
    await other.post("/api/v1/namespaces/default/events", {
      metadata: { generateName: "public." },
      type: "Warning",
      reason: "PortInUse",
      message: "127.0.0.1:80 is in use by another process",
      involvedObject: { kind: "Service", name: "public", uid: textAt(live, "metadata", "uid") },
      lastTimestamp: new Date().toISOString(),
    });
    const failure = initFailureOf(await failing);
    expect(failure.reasons[1]).toBe("PortInUse: 127.0.0.1:80 is in use by another process");

    const state = { id: failure.id, inputs, outputs: failure.outputs };
    const updating = engine.update(serviceUrn, state, inputs);
    await other.merge(`${path}/status`, {
      status: { loadBalancer: { ingress: [{ ip: "127.0.0.1" }] } },
    });
    const ready = await updating;
    expect(ready.outputs.status).toEqual({
      loadBalancer: { ingress: [{ ip: "127.0.0.1", ipMode: "VIP" }] },
    });
    await engine.delete(serviceUrn, ready);
  });

  it("waits for a volume, but not where binding waits for a pod", async () => {
    const { engine, other, create } = cluster();
    const claimUrn = urnOf("core/v1:PersistentVolumeClaim", "data");
    const claim = (name: string, storageClassName: string): PropertyMap => ({
      metadata: { name },
      spec: {
        storageClassName,
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Gi" } },
      },
    });
    await other.post("/apis/storage.k8s.io/v1/storageclasses", {
      metadata: { name: "lazy" },
      provisioner: "example.com/none",
      volumeBindingMode: "WaitForFirstConsumer",
    });
    const lazy = await create(claimUrn, claim("lazy", "lazy"));
    expect(lazy.outputs.status).toMatchObject({ phase: "Pending" });

    const binding = create(claimUrn, claim("bound", ""));
    await other.post("/api/v1/persistentvolumes", {
      metadata: { name: "disk" },
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        hostPath: { path: "/nowhere" },
      },
    });
    const bound = await binding;
    expect(bound.outputs.status).toMatchObject({ phase: "Bound" });
    await Promise.all([lazy, bound].map((item) => engine.delete(claimUrn, item)));
  });

  it("waits until a Namespace is gone, and says what holds an object", async () => {
    const { engine, other, create } = cluster();
    const spaceUrn = urnOf("core/v1:Namespace", "space");
    const space = await create(spaceUrn, { metadata: { name: "space" } });
    expect(space.id).toBe("space");
    const configMaps = "/api/v1/namespaces/space/configmaps";
    await other.post(configMaps, { metadata: { name: "held", finalizers: ["example.com/hold"] } });
    const message = await failureOf(engine.delete(spaceUrn, space, { timeoutSeconds: 9 }));
    expect(message).toContain("Namespace space is not gone after 9 s");
    expect(message).toContain("example.com/hold");
    await other.merge(`${configMaps}/held`, { metadata: { finalizers: null } });
    await engine.delete(spaceUrn, space);
    expect(await engine.read(spaceUrn, space)).toBeUndefined();
  });
});
