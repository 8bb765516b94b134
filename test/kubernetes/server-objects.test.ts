import { describe, expect, it } from "vitest";

import { listAt, textAt } from "../../toolchain/kubernetes/objects";
import { KubernetesProvider } from "../../toolchain/kubernetes/provider";
import { Secret, UNKNOWN, unwrapSecrets, type PropertyMap } from "../../toolchain/plugin/serve";
import { failureOf, TestEngine } from "./support/engine";
import { urnOf, useControlPlane } from "./support/fixture";

describe("objects on a real API server", () => {
  const cluster = useControlPlane();

  describe("a ConfigMap", () => {
    const urn = urnOf("core/v1:ConfigMap", "site");
    const configMap = (data: PropertyMap, metadata: PropertyMap = {}): PropertyMap => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata,
      data,
    });

    it("gets an automatic name, kept on update, and the provider's marks in state", async () => {
      const { engine, create } = cluster();
      const state = await create(urn, configMap({ a: "1" }));
      const name = textAt(unwrapSecrets(state.inputs) as never, "metadata", "name");
      expect(name).toMatch(/^site-[0-9a-f]{8}$/);
      expect(state.id).toBe(`default/${name}`);
      expect(state.inputs).toEqual({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, namespace: "default", annotations: { "pulumi.com/autonamed": "true" } },
        data: { a: "1" },
      });
      expect(state.outputs).toMatchObject({
        __initialApiVersion: "v1",
        __inputs: state.inputs,
        __fieldManager: expect.stringMatching(/^pulumi-kubernetes-[0-9a-f]{8}$/) as string,
        data: { a: "1" },
      });
      const again = await engine.check(urn, configMap({ a: "1" }), state.inputs);
      expect(again).toEqual(state.inputs);
      expect(await engine.diff(urn, state, again)).toMatchObject({ changes: "none", detailed: {} });
      await engine.delete(urn, state);
    });

    it("is replaced when its data changes, the old one first where the name is fixed", async () => {
      const { engine, create } = cluster();
      const fixed = await create(urn, configMap({ a: "1" }, { name: "fixed" }));
      const news = await engine.check(urn, configMap({ a: "2" }, { name: "fixed" }), fixed.inputs);
      expect(await engine.diff(urn, fixed, news)).toEqual({
        changes: "some",
        detailed: { "data.a": "UPDATE_REPLACE" },
        replaces: ["data.a"],
        deleteBeforeReplace: true,
      });
      expect((await engine.create(urn, news, { preview: true })).id).toBe("");
      await engine.delete(urn, fixed);
      expect(await engine.read(urn, fixed)).toBeUndefined();
    });

    it("changes in place with enableConfigMapMutable", async () => {
      const { plane, create } = cluster();
      const state = await create(urn, configMap({ a: "1", b: "1" }));
      const mutable = await TestEngine.start(new KubernetesProvider());
      const args = { kubeconfig: plane.kubeconfig, enableConfigMapMutable: "true" };
      await mutable.configure(args);
      const news = await mutable.check(urn, configMap({ a: "2" }), state.inputs);
      expect(await mutable.diff(urn, state, news)).toMatchObject({
        detailed: { "data.a": "UPDATE", "data.b": "DELETE" },
        replaces: [],
      });
      const updated = await mutable.update(urn, state, news);
      expect(updated.outputs.data).toEqual({ a: "2" });
      await mutable.delete(urn, updated);
      await mutable.stop();
    });

    it("owns just what is declared, from the create on", async () => {
      const { engine, other, create } = cluster();
      const label = (value: string) =>
        configMap({ a: "1" }, { name: "owned", labels: { value, [`only-${value}`]: "yes" } });
      const state = await create(urn, label("one"));
      const live = await other.get("/api/v1/namespaces/default/configmaps/owned");
      expect(managersOf(live)).toEqual([[state.outputs.__fieldManager, "Apply"]]);
      expect(Object.keys(live.metadata as object)).toContain("annotations");

      const updated = await engine.update(urn, state, await engine.check(urn, label("two")));
      expect(updated.outputs.__fieldManager).toBe(state.outputs.__fieldManager);
      const after = await other.get("/api/v1/namespaces/default/configmaps/owned");
      expect(managersOf(after)).toEqual([[state.outputs.__fieldManager, "Apply"]]);
      expect(after.metadata).toMatchObject({ labels: { value: "two", "only-two": "yes" } });
      expect(textAt(after, "metadata", "labels", "only-one")).toBe("");
      expect(after.metadata).not.toHaveProperty("annotations");
      await engine.delete(urn, updated);
    });
  });

  describe("a Secret", () => {
    const urn = urnOf("core/v1:Secret", "key");
    const canary = "canary-0123456789";

    it("keeps all of its data secret everywhere", async () => {
      const { engine, create } = cluster();
      const state = await create(urn, {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "key", annotations: { copy: new Secret(`for ${canary}`) } },
        stringData: { password: canary },
      });
      const encoded = Buffer.from(canary).toString("base64");
      const data = new Secret({ password: encoded });
      expect(state.inputs.data).toEqual(data);
      expect(state.inputs).not.toHaveProperty("stringData");
      expect(state.outputs.data).toEqual(data);
      expect(state.outputs.__inputs).toMatchObject({ data });
      const clear = JSON.stringify(state.outputs, (_key, value: unknown) =>
        value instanceof Secret ? "[secret]" : value,
      );
      expect(clear).not.toContain(canary);
      expect(clear).not.toContain(encoded);
      expect(clear).toContain("[secret]");
      const refreshed = await engine.read(urn, state);
      expect(refreshed?.inputs).toEqual(state.inputs);
      await engine.delete(urn, state);
    });

    it("has its values masked in the server's refusal", async () => {
      const { create } = cluster();
      const message = await failureOf(
        create(urn, {
          apiVersion: "v1",
          kind: "Secret",
          metadata: { name: "key", labels: { bad: new Secret(`${canary} with spaces`) } },
        }),
      );
      expect(message).toContain("metadata.labels");
      expect(message).not.toContain(canary);
    });
  });

  describe("a preview", () => {
    const urn = urnOf("core/v1:Service", "web");
    const service = (spec: PropertyMap, namespace = "default"): PropertyMap => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace },
      spec: { selector: { app: "web" }, ports: [{ port: 80 }], ...spec },
    });

    it("fills in what the server decides and leaves unknown what it assigns", async () => {
      const { engine } = cluster();
      const inputs = await engine.check(urn, service({ type: "NodePort" }));
      const { outputs } = await engine.create(urn, inputs, { preview: true });
      expect(outputs).toMatchObject({
        metadata: { name: "web", uid: UNKNOWN },
        spec: {
          clusterIP: UNKNOWN,
          sessionAffinity: "None",
          ports: [{ port: 80, targetPort: 80, nodePort: UNKNOWN }],
        },
        status: UNKNOWN,
      });
    });

    it("does without the server while an input is unknown", async () => {
      const { engine } = cluster();
      const inputs = await engine.check(urn, service({ externalName: UNKNOWN }));
      const { outputs } = await engine.create(urn, inputs, { preview: true });
      expect(outputs).toMatchObject({
        spec: { externalName: UNKNOWN, clusterIP: UNKNOWN },
        status: UNKNOWN,
      });
    });

    it("does without the server while namespace or kind come in the same run", async () => {
      const { engine } = cluster();
      const inputs = await engine.check(urn, service({}, "comes-later"));
      const { outputs } = await engine.create(urn, inputs, { preview: true });
      expect(outputs).toMatchObject({ metadata: { namespace: "comes-later" }, status: UNKNOWN });

      const crontab = urnOf("example.com/v1:CronTab", "nightly");
      const custom = await engine.check(crontab, { apiVersion: "example.com/v1", kind: "CronTab" });
      await engine.create(crontab, custom, { preview: true });
      expect(engine.texts("info").at(-1)).toContain("does not know the kind CronTab");
    });

    it("shows the server's refusal with every cause", async () => {
      const { engine } = cluster();
      const inputs = await engine.check(urn, service({ ports: [{ port: 0 }, { port: 99999 }] }));
      const message = await failureOf(engine.create(urn, inputs, { preview: true }));
      expect(message).toContain("the object is not valid (422)");
      expect(message).toContain("spec.ports[0].port");
      expect(message).toContain("spec.ports[1].port");
    });

    it("refuses misspelt fields", async () => {
      const { engine } = cluster();
      const inputs = await engine.check(urn, service({ sellector: { app: "x" } }));
      const message = await failureOf(engine.create(urn, inputs, { preview: true }));
      expect(message).toContain('unknown field "spec.sellector"');
    });
  });
});

function managersOf(live: Parameters<typeof listAt>[0]): [string, string][] {
  return listAt(live, "metadata", "managedFields").map((entry) => [
    textAt(entry, "manager"),
    textAt(entry, "operation"),
  ]);
}
