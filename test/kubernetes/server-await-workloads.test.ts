import { beforeAll, describe, expect, it } from "vitest";

import { getPath, type Json } from "../../toolchain/kubernetes/objects";
import type { PropertyMap } from "../../toolchain/plugin/serve";
import { initFailureOf, type State } from "./support/engine";
import { urnOf, useControlPlane } from "./support/fixture";
import {
  addNodeByHand,
  containerStatus,
  endingPods,
  imagePullBackOff,
  onNodeByHand,
  reportPods,
} from "./support/kubelet";

interface Wishes {
  /** The test plays the kubelet of its pods. Default false. */
  readonly hand?: boolean;
  readonly image?: string;
  readonly namespace?: string;
  readonly spec?: PropertyMap;
}

/** A workload of one of the kinds that keep pods running, with a label `app` of its name. */
function workload(type: string, name: string, wishes: Wishes = {}): PropertyMap {
  const [apiVersion = "", kind = ""] = type.split(":");
  const labels = { app: name };
  const template = {
    metadata: { labels },
    spec: {
      ...(wishes.hand === true ? onNodeByHand : {}),
      containers: [{ name: "web", image: wishes.image ?? "web:1" }],
    },
  };
  const selector = kind === "ReplicationController" ? labels : { matchLabels: labels };
  const replicas = kind === "DaemonSet" ? {} : { replicas: 2 };
  const { namespace = "default" } = wishes;
  return {
    apiVersion: apiVersion.replace("core/", ""),
    kind,
    metadata: { name, namespace },
    spec: { ...replicas, selector, template, ...wishes.spec },
  };
}

const KINDS = [
  ["apps/v1:StatefulSet", "StatefulSet initialization complete"],
  ["apps/v1:DaemonSet", "DaemonSet initialization complete"],
  ["apps/v1:ReplicaSet", "ReplicaSet initialization complete"],
  ["core/v1:ReplicationController", "ReplicationController initialization complete"],
] as const;

describe("workloads on a real API server", () => {
  const cluster = useControlPlane();
  beforeAll(() => addNodeByHand(cluster().other));

  async function failing(urn: string, news: PropertyMap, timeoutSeconds: number) {
    const { create } = cluster();
    const failure = await create(urn, news, { timeoutSeconds }).catch((error: unknown) => error);
    const details = initFailureOf(failure);
    return { ...details, inputs: news, text: details.reasons.join("\n") };
  }

  function remove(urn: string, state: State, app: string): Promise<void> {
    const { engine, other } = cluster();
    return endingPods(other, app, engine.delete(urn, state));
  }

  it.each(KINDS)("waits for a %s and for its update", async (type, message) => {
    const { engine, create } = cluster();
    const urn = urnOf(type, "steady");
    const state = await create(urn, workload(type, "steady"));
    const lines = engine.messages.filter((line) => line.urn === urn).map(({ text }) => text);
    expect(lines.at(-1)).toBe(message);

    const news = workload(type, "steady", { image: "web:2" });
    const updated = await engine.update(urn, state, await engine.check(urn, news, state.inputs));
    const { status } = updated.outputs as { status: Json };
    expect(getPath(status, "observedGeneration")).toBe(2);
    await engine.delete(urn, updated);
    expect(await engine.read(urn, updated)).toBeUndefined();
  });

  it.each(KINDS)("keeps a %s that never becomes ready in state, with the reason", async (type) => {
    const { other, engine } = cluster();
    const kind = type.split(":")[1] ?? "";
    const name = `broken-${kind.toLowerCase()}`;
    const urn = urnOf(type, name);
    const reported = reportPods(other, name, imagePullBackOff);
    const failure = await failing(urn, workload(type, name, { hand: true }), 4);
    await reported;
    expect(failure.id).toBe(`default/${name}`);
    expect(failure.reasons[0]).toBe(`${kind} default/${name} is not ready after 4 s`);
    expect(failure.text).toContain(
      'container web: ImagePullBackOff: Back-off pulling image "web:1"',
    );
    expect(failure.outputs).toMatchObject({ kind, metadata: { name } });
    const refreshed = engine.read(urn, failure).catch((error: unknown) => initFailureOf(error));
    expect(await refreshed).toMatchObject({
      reasons: [expect.stringContaining("ImagePullBackOff")],
    });
    await remove(urn, failure, name);
  });

  it("tells what the quota says to controllers that have no pod to show", async () => {
    const { other } = cluster();
    await other.post("/api/v1/namespaces", { metadata: { name: "tight" } });
    await other.post("/api/v1/namespaces/tight/resourcequotas", {
      metadata: { name: "no-pods" },
      spec: { hard: { pods: "0" } },
    });
    const types = [...KINDS.map(([type]) => type), "batch/v1:Job"];
    await Promise.all(
      types.map(async (type, index) => {
        const name = `full-${String(index)}`;
        const wishes = { namespace: "tight" };
        const news = type === "batch/v1:Job" ? job(name, wishes) : workload(type, name, wishes);
        const failure = await failing(urnOf(type, name), news, 5);
        expect(failure.text).toContain("exceeded quota: no-pods");
        await remove(urnOf(type, name), failure, name);
      }),
    );
  });

  it("says which pod of an earlier revision holds a StatefulSet's update up", async () => {
    const { other, engine } = cluster();
    const urn = urnOf("apps/v1:StatefulSet", "stuck");
    const reported = reportPods(other, "stuck", imagePullBackOff);
    const broken = workload("apps/v1:StatefulSet", "stuck", { hand: true, image: "web:bad" });
    const failure = await failing(urn, broken, 3);
    await reported;

    const mended = workload("apps/v1:StatefulSet", "stuck");
    const inputs = await engine.check(urn, mended, failure.inputs);
    const updating = engine.update(urn, failure, inputs);
    const line = await other.eventually(() =>
      Promise.resolve(
        engine.messages.find((item) => item.urn === urn && item.text.includes("(and 1 more)")),
      ),
    );
    expect(line.text).toContain("ImagePullBackOff");
    const refreshed = await engine
      .read(urn, failure)
      .catch((error: unknown) => initFailureOf(error));
    expect(JSON.stringify(refreshed)).toContain("delete it: kubectl delete pod stuck-0");
    await other.delete("/api/v1/namespaces/default/pods/stuck-0?gracePeriodSeconds=0");
    await engine.delete(urn, await updating);
  });

  it("does not wait for pods that a partition or OnDelete leaves as they are", async () => {
    const { engine, create } = cluster();
    const strategies = [
      ["apps/v1:StatefulSet", { type: "RollingUpdate", rollingUpdate: { partition: 1 } }],
      ["apps/v1:StatefulSet", { type: "OnDelete" }],
      ["apps/v1:DaemonSet", { type: "OnDelete" }],
    ] as const;
    await Promise.all(
      strategies.map(async ([type, updateStrategy], index) => {
        const name = `partial-${String(index)}`;
        const urn = urnOf(type, name);
        const spec = { updateStrategy };
        const state = await create(urn, workload(type, name, { spec }), { timeoutSeconds: 20 });
        const news = workload(type, name, { spec, image: "web:2" });
        const inputs = await engine.check(urn, news, state.inputs);
        const updated = await engine.update(urn, state, inputs, { timeoutSeconds: 20 });
        expect(getPath(updated.outputs.status as never, "observedGeneration")).toBe(2);
        await engine.delete(urn, updated);
      }),
    );
  });

  it("waits for a Job's run, but not for a suspended or an already removed one", async () => {
    const { engine, create } = cluster();
    const urn = urnOf("batch/v1:Job", "run");
    const finished = await create(urn, job("run"));
    expect(getPath(finished.outputs.status as never, "succeeded")).toBe(1);
    expect(engine.texts("status")).toContain("Job has completed");
    const suspended = await create(urn, job("later", { spec: { suspend: true } }));
    expect(engine.texts("status")).toContain("Job is suspended: its run is not waited for");
    const resumed = await engine.update(urn, suspended, job("later"));
    expect(getPath(resumed.outputs.status as never, "succeeded")).toBe(1);
    const brief = await create(urn, job("brief", { spec: { ttlSecondsAfterFinished: 0 } }));
    expect(brief.id).toBe("default/brief");
    await Promise.all([finished, resumed].map((state) => engine.delete(urn, state)));
  });

  it("fails a Job at once when its run has, with the last words of its pods", async () => {
    const { other, engine } = cluster();
    const urn = urnOf("batch/v1:Job", "failing");
    const words = { exitCode: 3, reason: "Error", message: "no such table: users\n" };
    const reported = reportPods(other, "failing", containerStatus({ terminated: words }, "Failed"));
    const failure = await failing(urn, job("failing", { hand: true }), 60);
    await reported;
    expect(failure.reasons[0]).toBe("Job default/failing failed");
    expect(failure.reasons[1]).toMatch(/^BackoffLimitExceeded: /);
    expect(failure.reasons[2]).toMatch(
      /^Pod failing-\S+: container web: ended with exit code 3: no such table: users$/,
    );

    const inputs = await engine.check(urn, job("failing", { hand: true, replaceUnready: true }));
    expect(await engine.diff(urn, failure, inputs)).toMatchObject({
      changes: "some",
      deleteBeforeReplace: true,
      replaces: ['metadata.annotations["pulumi.com/replaceUnready"]'],
    });
    await remove(urn, failure, "failing");
  });
});

function job(name: string, wishes: Wishes & { replaceUnready?: boolean } = {}): PropertyMap {
  const { namespace = "default", hand = false, replaceUnready = false } = wishes;
  const annotations = replaceUnready ? { "pulumi.com/replaceUnready": "true" } : {};
  const placed = { ...(hand ? onNodeByHand : {}), restartPolicy: "Never" };
  const containers = [{ name: "web", image: "web:1" }];
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace, annotations },
    spec: {
      backoffLimit: 0,
      template: { metadata: { labels: { app: name } }, spec: { ...placed, containers } },
      ...wishes.spec,
    },
  };
}
