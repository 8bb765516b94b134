import { describe, expect, it } from "vitest";

import { getPath, listAt, textAt } from "../../toolchain/kubernetes/objects";
import type { PropertyMap } from "../../toolchain/plugin/serve";
import { failureOf } from "./support/engine";
import { urnOf, useControlPlane } from "./support/fixture";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";

describe("a patch of somebody else's object", () => {
  const cluster = useControlPlane();
  const urn = urnOf("core/v1:ConfigMapPatch", "part");
  const patch = (name: string, data: PropertyMap, annotations: PropertyMap = {}): PropertyMap => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    data,
  });

  it("adds its fields under a manager of its own, and keeps them in state", async () => {
    const { create, other, engine } = cluster();
    await other.post(CONFIG_MAPS, { metadata: { name: "theirs" }, data: { a: "1" } });
    const state = await create(urn, patch("theirs", { b: "2" }));
    expect(state.id).toBe("default/theirs");
    expect(state.inputs).toEqual({
      ...patch("theirs", { b: "2" }),
      metadata: { name: "theirs", namespace: "default" },
    });
    expect(state.outputs).toMatchObject({ kind: "ConfigMap", data: { a: "1", b: "2" } });
    const live = await other.get(`${CONFIG_MAPS}/theirs`);
    const managers = listAt(live, "metadata", "managedFields").map((entry) => [
      textAt(entry, "manager"),
      textAt(entry, "operation"),
    ]);
    expect(managers).toContainEqual([state.outputs.__fieldManager, "Apply"]);
    expect(managers).toContainEqual(["someone-else", "Update"]);
    const again = await engine.check(urn, patch("theirs", { b: "2" }), state.inputs);
    expect(await engine.diff(urn, state, again)).toMatchObject({ changes: "none" });
    expect((await engine.read(urn, state))?.inputs).toEqual(state.inputs);
  });

  it("changes in place, whatever the field, and drops what it no longer declares", async () => {
    const { create, engine } = cluster();
    const state = await create(urn, patch("theirs", { b: "2", c: "3" }));
    const news = await engine.check(urn, patch("theirs", { b: "4" }), state.inputs);
    expect(await engine.diff(urn, state, news)).toMatchObject({
      detailed: { "data.b": "UPDATE", "data.c": "DELETE" },
      replaces: [],
    });
    const preview = await engine.update(urn, state, news, { preview: true });
    expect(preview.outputs.data).toEqual({ a: "1", b: "4" });
    const updated = await engine.update(urn, state, news);
    expect(updated.outputs.data).toEqual({ a: "1", b: "4" });
  });

  it("gives up its fields on delete, and leaves the object", async () => {
    const { create, engine, other } = cluster();
    const state = await create(urn, patch("theirs", { b: "4" }));
    await engine.delete(urn, state);
    const live = await other.get(`${CONFIG_MAPS}/theirs`);
    expect(live.data).toEqual({ a: "1" });
    expect(listAt(live, "metadata", "managedFields")).toHaveLength(1);
    await other.delete(`${CONFIG_MAPS}/theirs`);
    // Gone altogether: nothing to give up, and nothing is made.
    await engine.delete(urn, state);
    await expect(other.get(`${CONFIG_MAPS}/theirs`)).rejects.toThrow(/404/);
  });

  it("reports a conflict, and takes the field over by patchForce", async () => {
    const { create, engine, other } = cluster();
    await other.post(CONFIG_MAPS, { metadata: { name: "contested" }, data: { a: "1" } });
    const message = await failureOf(create(urn, patch("contested", { a: "2" })));
    expect(message).toContain('data.a: managed by "someone-else"');
    const preview = failureOf(create(urn, patch("contested", { a: "2" }), { preview: true }));
    expect(await preview).toContain('data.a: managed by "someone-else"');
    const force = { "pulumi.com/patchForce": "true" };
    const state = await create(urn, patch("contested", { a: "2" }, force));
    expect(state.outputs.data).toEqual({ a: "2" });
    await engine.delete(urn, state);
    // Nobody owns it any more: it goes with its last owner.
    expect(await other.get(`${CONFIG_MAPS}/contested`)).not.toHaveProperty("data");
    await other.delete(`${CONFIG_MAPS}/contested`);
  });

  it("writes as the manager that patchFieldManager names, and leaves the former one", async () => {
    const { create, engine, other } = cluster();
    await other.post(CONFIG_MAPS, { metadata: { name: "managed" }, data: { a: "1" } });
    const as = (manager: string) => ({ "pulumi.com/patchFieldManager": manager });
    const state = await create(urn, patch("managed", { b: "1" }, as("team-one")));
    expect(state.outputs.__fieldManager).toBe("team-one");
    const news = await engine.check(urn, patch("managed", { b: "1" }, as("team-two")));
    const updated = await engine.update(urn, state, news);
    const live = await other.get(`${CONFIG_MAPS}/managed`);
    const managers = listAt(live, "metadata", "managedFields").map((e) => textAt(e, "manager"));
    expect(managers.sort()).toEqual(["someone-else", "team-two"]);
    expect(updated.outputs.data).toEqual({ a: "1", b: "1" });
    await engine.delete(urn, updated);
    await other.delete(`${CONFIG_MAPS}/managed`);
  });

  it("says what to do where the object cannot be without a field only the patch owns", async () => {
    const { create, engine, other } = cluster();
    const deploymentPatch = urnOf("apps/v1:DeploymentPatch", "part");
    const pod = { metadata: { labels: { app: "x" } }, spec: { containers: [CONTAINER] } };
    const spec = { selector: { matchLabels: { app: "x" } }, template: pod };
    await other.post(DEPLOYMENTS, { metadata: { name: "needy" }, spec });
    const state = await create(deploymentPatch, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: {
        name: "needy",
        annotations: { "pulumi.com/patchForce": "true", "pulumi.com/skipAwait": "true" },
      },
      spec: { template: { spec: { containers: [{ name: "a", image: "a:2" }] } } },
    });
    const message = await failureOf(engine.delete(deploymentPatch, state));
    expect(message).toContain("Deployment default/needy cannot be without");
    expect(message).toContain("retainOnDelete");
    await other.delete(`${DEPLOYMENTS}/needy`);
  });

  it("works for any kind, also read by its id alone", async () => {
    const { create, engine, other } = cluster();
    const policyUrn = urnOf("networking.k8s.io/v1:NetworkPolicyPatch", "part");
    const policies = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";
    await other.post(policies, { metadata: { name: "deny" }, spec: { podSelector: {} } });
    const state = await create(policyUrn, {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "deny", labels: { team: "a" } },
    });
    expect(textAt(await other.get(`${policies}/deny`), "metadata", "labels", "team")).toBe("a");
    // Read by its id alone, as `NetworkPolicyPatch.get` does.
    const found = await engine.read(policyUrn, { id: state.id, inputs: {}, outputs: {} });
    expect(getPath(found?.outputs as never, "kind")).toBe("NetworkPolicy");
    await engine.delete(policyUrn, state);
    expect(await other.get(`${policies}/deny`)).not.toHaveProperty("metadata.labels.team");
    await other.delete(`${policies}/deny`);
  });
});

const CONTAINER = { name: "a", image: "a:1" };
