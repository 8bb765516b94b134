import { describe, expect, it } from "vitest";

import { CREATED_FOR } from "../../toolchain/kubernetes/annotations";
import { textAt } from "../../toolchain/kubernetes/objects";
import { KubernetesProvider } from "../../toolchain/kubernetes/provider";
import { toManifest } from "../../toolchain/kubernetes/state";
import type { PropertyMap } from "../../toolchain/plugin/serve";
import type { ControlPlane } from "../support/control-plane";
import { failureOf, TestEngine } from "./support/engine";
import { urnOf, useControlPlane } from "./support/fixture";

const deployment = (
  name: string,
  spec: PropertyMap = {},
  metadata: PropertyMap = {},
): PropertyMap => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, annotations: { "pulumi.com/skipAwait": "true" }, ...metadata },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [{ name: "web", image: "web:1", resources: { requests: { cpu: "1000m" } } }],
      },
    },
    ...spec,
  },
});

describe("changes on a real API server", () => {
  const cluster = useControlPlane();
  const urn = urnOf("apps/v1:Deployment", "web");
  const pathOf = (name: string) => `/apis/apps/v1/namespaces/default/deployments/${name}`;

  it("takes the server's own spelling of an unchanged declaration for no change", async () => {
    const { engine, create } = cluster();
    const state = await create(urn, deployment("spelled"));
    const refreshed = await engine.read(urn, state);
    expect(refreshed?.inputs).toEqual(state.inputs);
    expect(await engine.diff(urn, state, state.inputs)).toMatchObject({ changes: "none" });
    expect(JSON.stringify(refreshed?.outputs.spec)).toContain('"cpu":"1"');
    await engine.delete(urn, state);
  });

  it("shows a drift of declared fields as inputs after a refresh, and repairs it", async () => {
    const { engine, create, other } = cluster();
    const state = await create(urn, deployment("drifting"));
    await other.merge(pathOf("drifting"), { spec: { replicas: 5, minReadySeconds: 1 } });
    const drifted = await engine.read(urn, state);
    expect(drifted?.inputs).toMatchObject({ spec: { replicas: 5 } });
    expect(drifted?.inputs.spec).not.toHaveProperty("minReadySeconds");

    const news = await engine.check(
      urn,
      deployment("drifting", {}, { annotations: {} }),
      state.inputs,
    );
    const forced = { annotations: { "pulumi.com/patchForce": "true" } };
    expect(drifted && (await engine.diff(urn, drifted, news)).detailed).toMatchObject({
      "spec.replicas": "UPDATE",
    });
    const message = await failureOf(engine.update(urn, state, news));
    expect(message).toContain('spec.replicas: managed by "someone-else"');
    expect(message).toContain("pulumi.com/patchForce");

    const withForce = await engine.check(urn, deployment("drifting", {}, { ...forced }));
    const repaired = await engine.update(urn, state, withForce);
    expect(repaired.outputs).toMatchObject({ spec: { replicas: 2, minReadySeconds: 1 } });
    await engine.delete(urn, repaired);
  });

  it("previews and makes a Service's move to another port as a move, not as a second port", async () => {
    const { engine, create } = cluster();
    const serviceUrn = urnOf("core/v1:Service", "moving");
    const service = (port: number): PropertyMap => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "moving", annotations: { "pulumi.com/skipAwait": "true" } },
      spec: { selector: { app: "none" }, ports: [{ name: "http", port, protocol: "TCP" }] },
    });
    const state = await create(serviceUrn, service(80));
    const news = await engine.check(serviceUrn, service(8080), state.inputs);
    const preview = await engine.update(serviceUrn, state, news, { preview: true });
    expect(preview.outputs).toMatchObject({ spec: { ports: [{ name: "http", port: 8080 }] } });
    const moved = await engine.update(serviceUrn, state, news);
    expect(moved.outputs).toMatchObject({ spec: { ports: [{ name: "http", port: 8080 }] } });
    await engine.delete(serviceUrn, moved);
  });

  it("replaces for a field the table knows and for one only the server knows", async () => {
    const { engine, create } = cluster();
    const state = await create(urn, deployment("selected"));
    const selector = { matchLabels: { app: "other" } };
    const template = { metadata: { labels: { app: "other" } } };
    const news = await engine.check(
      urn,
      deployment("selected", { selector, template }),
      state.inputs,
    );
    const known = await engine.diff(urn, state, news);
    expect(known.replaces).toEqual(["spec.selector.matchLabels.app"]);
    expect(known.deleteBeforeReplace).toBe(true);
    await engine.delete(urn, state);

    const podUrn = urnOf("core/v1:Pod", "once");
    const pod = (terminationGracePeriodSeconds: number) => ({
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "once" } },
      spec: { terminationGracePeriodSeconds, containers: [{ name: "a", image: "a" }] },
    });
    const running = await create(podUrn, pod(5));
    const longer = await engine.check(podUrn, pod(6), running.inputs);
    expect(await engine.diff(podUrn, running, longer)).toMatchObject({
      detailed: { "spec.terminationGracePeriodSeconds": "UPDATE_REPLACE" },
      deleteBeforeReplace: true,
    });
    await engine.delete(podUrn, running);
  });

  it("imports an object that a program describes in part", async () => {
    const { engine, other } = cluster();
    const existing = toManifest(deployment("imported", { minReadySeconds: 3 }));
    await other.post("/apis/apps/v1/namespaces/default/deployments", existing);
    const imported = await engine.read(urn, { id: "default/imported", inputs: {}, outputs: {} });
    expect(imported?.inputs).toMatchObject({ kind: "Deployment", spec: { replicas: 2 } });
    expect(imported?.inputs).not.toHaveProperty("status");
    expect(imported?.inputs.metadata).not.toHaveProperty("uid");
    const news = await engine.check(urn, deployment("imported"));
    const difference = imported && (await engine.diff(urn, imported, news));
    expect(difference).toMatchObject({ changes: "none", detailed: {} });
    await other.delete(pathOf("imported"));
  });

  it("refuses a name that is taken, and repeats its own interrupted create", async () => {
    const { engine, create, other } = cluster();
    const claim = urnOf("core/v1:ConfigMap", "mine");
    const news: PropertyMap = { metadata: { name: "mine" }, data: { a: "1" } };
    const configMaps = "/api/v1/namespaces/default/configmaps";
    await other.post(configMaps, { metadata: { name: "mine" }, data: { a: "0" } });
    expect(await failureOf(create(claim, news))).toContain("exists already");
    expect(await failureOf(create(claim, news, { preview: true }))).toContain("exists already");
    await other.delete(`${configMaps}/mine`);

    const first = await create(claim, news);
    const live = await other.get(`${configMaps}/mine`);
    expect(textAt(live, "metadata", "annotations", CREATED_FOR)).toMatch(/^[0-9a-f]{16}$/);
    // The engine never heard of it: it asks again.
    const second = await create(claim, { ...news, data: { a: "2" } });
    expect(second.outputs.data).toEqual({ a: "2" });
    expect(textAt(second.outputs as never, "metadata", "uid")).toBe(
      textAt(first.outputs as never, "metadata", "uid"),
    );
    // Nor does it hear of an update whose state was lost: the mark is gone by then.
    const updated = await engine.check(claim, { ...news, data: { a: "3" } });
    await engine.update(claim, second, updated);
    const bare = await other.get(`${configMaps}/mine`);
    expect(textAt(bare, "metadata", "annotations", CREATED_FOR)).toBe("");
    const third = await create(claim, { ...news, data: { a: "4" } });
    expect(third.outputs.data).toEqual({ a: "4" });
    // Read without outputs, as after an adopted create, it can be updated without a conflict.
    const id = "default/mine";
    const adopted = await engine.read(claim, { id, inputs: third.inputs, outputs: {} });
    if (adopted === undefined) throw new Error("the object is gone");
    const fifth = await engine.check(claim, { ...news, data: { a: "5" } }, adopted.inputs);
    expect((await engine.update(claim, adopted, fifth)).outputs.data).toEqual({ a: "5" });
    // Another resource of the same name is someone else's.
    expect(await failureOf(create(urnOf("core/v1:ConfigMap", "theirs"), news))).toContain("exists");
    await engine.delete(claim, third);
  });

  it("creates a kind and its first object in one run", async () => {
    const { engine, create } = cluster();
    const crdUrn = urnOf("apiextensions.k8s.io/v1:CustomResourceDefinition", "boats");
    const object = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
    const definition = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "boats.example.com" },
      spec: {
        group: "example.com",
        names: { kind: "Boat", plural: "boats", singular: "boat" },
        scope: "Namespaced",
        versions: [
          { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: object } },
        ],
      },
    };
    const checked = await engine.check(crdUrn, definition);
    const boatUrn = urnOf("example.com/v1:Boat", "ark");
    const boat = { apiVersion: "example.com/v1", kind: "Boat", spec: { length: 134 } };
    const inputs = await engine.check(boatUrn, boat);
    expect(inputs.metadata).toMatchObject({ namespace: "default" });

    const [crd, ark] = await Promise.all([
      engine.create(crdUrn, checked),
      engine.create(boatUrn, inputs),
    ]);
    expect(ark.outputs).toMatchObject({ kind: "Boat", spec: { length: 134 } });
    const longer = await engine.check(boatUrn, { ...boat, spec: { length: 135 } }, inputs);
    const updated = await engine.update(boatUrn, ark, longer);
    expect(updated.outputs.spec).toEqual({ length: 135 });
    await engine.delete(crdUrn, crd);
    expect(await engine.read(boatUrn, updated)).toBeUndefined();
    await engine.delete(boatUrn, updated);
    expect(await failureOf(create(boatUrn, boat, { timeoutSeconds: 1 }))).toContain(
      "does not know the kind Boat in example.com/v1",
    );
  });

  it("says who may not do what", async () => {
    const { plane, other } = cluster();
    const accounts = "/api/v1/namespaces/default/serviceaccounts";
    await other.post(accounts, { metadata: { name: "guest" } });
    const token = await other.post(`${accounts}/guest/token`, { spec: {} });
    const engineAs = async (credential: string) => {
      const engine = await TestEngine.start(new KubernetesProvider());
      await engine.configure({ kubeconfig: kubeconfigFor(plane, credential) });
      return engine;
    };
    const claim = urnOf("core/v1:ConfigMap", "guest");
    const news = { metadata: { name: "guest" }, data: {} };
    const guest = await engineAs(textAt(token, "status", "token"));
    const refused = await failureOf(guest.create(claim, await guest.check(claim, news)));
    expect(refused).toContain("not permitted (403)");
    expect(refused).toContain('cannot create resource "configmaps"');
    await guest.stop();

    const stranger = await engineAs("no-such-token");
    const unknown = await failureOf(stranger.create(claim, await stranger.check(claim, news)));
    expect(unknown).toContain("does not accept the credentials");
    await stranger.stop();
  });
});

function kubeconfigFor({ server, kubeconfig }: ControlPlane, token: string): string {
  const authority = /certificate-authority-data: (\S+)/.exec(kubeconfig)?.[1];
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [{ name: "test", cluster: { server, "certificate-authority-data": authority } }],
    users: [{ name: "test", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
  });
}
