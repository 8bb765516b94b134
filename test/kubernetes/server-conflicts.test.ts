import { describe, expect, it } from "vitest";

import {
  getPath,
  listAt,
  refOf,
  toProperties,
  type JsonMap,
} from "../../toolchain/kubernetes/objects";
import { KubernetesProvider } from "../../toolchain/kubernetes/provider";
import type { PropertyMap } from "../../toolchain/plugin/serve";
import { failureOf, TestEngine, type State } from "./support/engine";
import { urnOf, useControlPlane, type Fixture } from "./support/fixture";

const CANARY = "canary-5b4a3c2d1e0f";
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
const QUIET = { "pulumi.com/skipAwait": "true" };

const deployment = (name: string, replicas: number, image = "web:1"): PropertyMap => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, annotations: QUIET },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "web", image, env: [{ name: "A", value: "1" }] }] },
    },
  },
});

const cluster = useControlPlane();

describe("fields that another manager changes", () => {
  const urn = urnOf("apps/v1:Deployment", "web");

  it("are named with their manager and the three ways out, never with a value", async () => {
    const { engine, create, other } = cluster();
    const secretUrn = urnOf("core/v1:Secret", "key");
    const key = (password: string): PropertyMap => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "key" },
      stringData: { password },
    });
    const state = await create(secretUrn, key("first-password"));
    await other.merge(
      "/api/v1/namespaces/default/secrets/key",
      { stringData: { password: "by-somebody-else" } },
      "kubectl-edit",
    );
    const message = await failureOf(
      engine.update(secretUrn, state, await engine.check(secretUrn, key(CANARY))),
    );
    expect(message).toContain("Secret default/key has fields that another field manager owns:");
    expect(message).toContain('data.password: managed by "kubectl-edit"');
    for (const way of ["leave the field out", "ignoreChanges", "pulumi.com/patchForce"]) {
      expect(message).toContain(way);
    }
    for (const value of [CANARY, "by-somebody-else"]) {
      expect(message).not.toContain(value);
      expect(message).not.toContain(Buffer.from(value).toString("base64"));
    }
    await engine.delete(secretUrn, state);
  });

  it("are left to kubectl scale with ignoreChanges, and a refresh shows them right", async () => {
    const { engine, create, other } = cluster();
    const state = await create(urn, deployment("scaled", 2));
    await scale(cluster(), "scaled", 5);
    const news = await engine.check(urn, deployment("scaled", 2, "web:2"), state.inputs);
    for (const preview of [true, false]) {
      expect(await failureOf(engine.update(urn, state, news, { preview }))).toContain(
        'spec.replicas: managed by "kubectl"',
      );
    }
    const ignoring = { ignoreChanges: ["spec.replicas"] };
    const preview = await engine.update(urn, state, news, { ...ignoring, preview: true });
    expect(getPath(preview.outputs as JsonMap, "spec", "replicas")).toBe(5);
    const updated = await engine.update(urn, state, news, ignoring);
    const live = await other.get(`${DEPLOYMENTS}/scaled`);
    expect(getPath(live, "spec", "replicas")).toBe(5);
    expect(JSON.stringify(live.spec)).toContain("web:2");

    const refreshed = await engine.read(urn, updated);
    expect(refreshed?.inputs).toEqual(news);
    // The next change still meets no conflict.
    const next = await engine.check(urn, deployment("scaled", 2, "web:3"), updated.inputs);
    const again = await engine.update(urn, updated, next, ignoring);
    expect(getPath(again.outputs as JsonMap, "spec", "replicas")).toBe(5);
    await engine.delete(urn, again);
  });

  it("are followed by a refresh that comes first", async () => {
    const { engine, create } = cluster();
    const state = await create(urn, deployment("followed", 2));
    await scale(cluster(), "followed", 4);
    const refreshed = await engine.read(urn, state);
    expect(refreshed?.inputs).toMatchObject({ spec: { replicas: 4 } });
    await engine.delete(urn, state);
  });

  it("that are ours keep the value they have with ignoreChanges", async () => {
    const { engine, create } = cluster();
    const state = await create(urn, deployment("kept", 2));
    const news = await engine.check(urn, deployment("kept", 9, "web:2"), state.inputs);
    const updated = await engine.update(urn, state, news, { ignoreChanges: ["spec.replicas"] });
    expect(updated.outputs).toMatchObject({ spec: { replicas: 2 } });
    const managers = listAt(updated.outputs as JsonMap, "metadata", "managedFields");
    expect(JSON.stringify(managers[0])).toContain("f:replicas");
    await engine.delete(urn, updated);
  });
});

describe("settings that take over what is there", () => {
  const configMap = (value: string) => ({ metadata: { name: "taken" }, data: { value } });
  const urn = urnOf("core/v1:ConfigMap", "taken");
  const path = "/api/v1/namespaces/default/configmaps";

  async function engineWith(setting: string): Promise<TestEngine> {
    const engine = await TestEngine.start(new KubernetesProvider());
    await engine.configure({ kubeconfig: cluster().plane.kubeconfig, [setting]: "true" });
    return engine;
  }

  it("upsertExistingObjects: a create brings an existing object up to date", async () => {
    const { other } = cluster();
    const { metadata } = await other.post(path, configMap("theirs"), "pulumi-kubernetes");
    const engine = await engineWith("upsertExistingObjects");
    const state = await engine.create(urn, await engine.check(urn, configMap("ours")));
    expect(state.outputs.data).toEqual({ value: "ours" });
    expect(getPath(state.outputs as JsonMap, "metadata", "uid")).toBe(getPath(metadata, "uid"));
    await engine.delete(urn, state);
    await engine.stop();
  });

  it("enablePatchForce: an update takes contested fields over", async () => {
    const { other, create } = cluster();
    const labelled = (team: string) => ({ metadata: { name: "taken", labels: { team } } });
    const state = await create(urn, labelled("ours"));
    await other.merge(`${path}/taken`, labelled("theirs"));
    const engine = await engineWith("enablePatchForce");
    const news = await engine.check(urn, labelled("ours-again"), state.inputs);
    const updated = await engine.update(urn, state, news);
    expect(updated.outputs).toMatchObject({ metadata: { labels: { team: "ours-again" } } });
    await engine.delete(urn, updated);
    await engine.stop();
  });
});

describe("objects that the official provider created", () => {
  it("move a list's item as one, in preview, diff and update", async () => {
    const { engine } = cluster();
    const serviceUrn = urnOf("core/v1:Service", "moved");
    const service = (port: number, name?: string): PropertyMap => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "moved", namespace: "default", annotations: QUIET },
      spec: { selector: { app: "a" }, ports: [{ port, ...(name === undefined ? {} : { name }) }] },
    });
    const state = await createdOfficially(cluster(), "/api/v1/namespaces/default/services", {
      ...service(8077, "http"),
    });
    const news = await engine.check(serviceUrn, service(8078, "http"), state.inputs);
    expect((await engine.diff(serviceUrn, state, news)).detailed).toEqual({
      "spec.ports[0].port": "UPDATE",
    });
    const preview = await engine.update(serviceUrn, state, news, { preview: true });
    expect(preview.outputs).toMatchObject({ spec: { ports: [{ port: 8078 }] } });
    const updated = await engine.update(serviceUrn, state, news);
    expect(listAt(updated.outputs as JsonMap, "spec", "ports")).toMatchObject([{ port: 8078 }]);
    await engine.delete(serviceUrn, updated);
  });

  it("show a renamed item as a change although the server would take both", async () => {
    const { engine } = cluster();
    const urn = urnOf("apps/v1:Deployment", "env");
    const declared = deployment("env", 1);
    const state = await createdOfficially(cluster(), DEPLOYMENTS, declared);
    const renamed = JSON.parse(
      JSON.stringify(declared).replace('"name":"A"', '"name":"B"'),
    ) as PropertyMap;
    const news = await engine.check(urn, renamed, state.inputs);
    const path = "spec.template.spec.containers[0].env[0].name";
    expect((await engine.diff(urn, state, news)).detailed).toEqual({ [path]: "UPDATE" });
    for (const preview of [true, false]) {
      const { outputs } = await engine.update(urn, state, news, { preview });
      const env = getPath(
        outputs as JsonMap,
        ...["spec", "template", "spec", "containers", 0, "env"],
      );
      expect(env).toEqual([{ name: "B", value: "1" }]);
    }
    await engine.delete(urn, state);
  });
});

describe("a CustomResourceDefinition", () => {
  const urn = urnOf("apiextensions.k8s.io/v1:CustomResourceDefinition", "kites");

  it("takes the schema extensions as the SDK spells them", async () => {
    const { engine, create, other } = cluster();
    const definition = (spelling: string): PropertyMap => ({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "kites.example.com" },
      spec: {
        group: "example.com",
        names: { kind: "Kite", plural: "kites", singular: "kite" },
        scope: "Cluster",
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object", [spelling]: true } },
          },
        ],
      },
    });
    const state = await create(urn, definition("x_kubernetes_preserve_unknown_fields"));
    const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/kites.example.com";
    expect(JSON.stringify((await other.get(path)).spec)).toContain(
      '"x-kubernetes-preserve-unknown-fields":true',
    );
    const { __inputs: copy, ...live } = state.outputs;
    for (const spec of [copy, live]) {
      expect(JSON.stringify(spec)).toContain('"x_kubernetes_preserve_unknown_fields":true');
    }
    // Both spellings are the same declaration.
    const dashed = await engine.check(urn, definition("x-kubernetes-preserve-unknown-fields"));
    expect(dashed).toEqual(state.inputs);
    expect(await engine.diff(urn, state, dashed)).toMatchObject({ changes: "none" });
    expect((await engine.read(urn, state))?.inputs).toEqual(state.inputs);
    await engine.delete(urn, state);
  });
});

/** As `kubectl scale` does it: by the subresource, under kubectl's name. */
async function scale({ other }: Fixture, name: string, replicas: number): Promise<void> {
  await other.merge(`${DEPLOYMENTS}/${name}/scale`, { spec: { replicas } }, "kubectl");
}

/** State and object as the official provider leaves them behind: a plain write, not turned over. */
async function createdOfficially(
  { other, engine }: Fixture,
  collection: string,
  inputs: PropertyMap,
): Promise<State> {
  const live = await other.post(collection, inputs as JsonMap, "pulumi-kubernetes");
  const { apiVersion, kind, name } = refOf(live);
  const type = `${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}:${kind}`;
  const checked = await engine.check(urnOf(type, name), inputs);
  const outputs = {
    ...toProperties(live),
    __inputs: checked,
    __initialApiVersion: apiVersion,
    __fieldManager: "pulumi-kubernetes-0a1b2c3d",
  };
  return { id: `default/${name}`, inputs: checked, outputs };
}
