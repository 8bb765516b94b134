import { beforeAll, describe, expect, it } from "vitest";

import { listAt } from "../../toolchain/kubernetes/objects";
import type { PropertyMap } from "../../toolchain/plugin/serve";
import { stopApiServer } from "../support/api-server";
import { failureOf, initFailureOf, type Message, type State } from "./support/engine";
import { urnOf, useControlPlane } from "./support/fixture";
import { addNodeByHand, endingPods, onNodeByHand, podReady, reportPods } from "./support/kubelet";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const OUTAGE = "API server does not answer, trying again";

const configMap = (name: string, annotations: PropertyMap, data: PropertyMap = {}) => ({
  metadata: { name, annotations },
  data,
});

/** Its pods run where the test plays the kubelet: they are not ready before it says so. */
const deployment = (name: string, annotations: PropertyMap = {}): PropertyMap => ({
  metadata: { name, annotations },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { ...onNodeByHand, containers: [{ name: "web", image: "web:1" }] },
    },
  },
});

describe("what a program says about waiting", () => {
  const cluster = useControlPlane();
  const mapUrn = urnOf("core/v1:ConfigMap", "map");
  const webUrn = urnOf("apps/v1:Deployment", "web");
  beforeAll(() => addNodeByHand(cluster().other));

  async function failing(urn: string, news: PropertyMap, timeoutSeconds?: number) {
    const options = timeoutSeconds === undefined ? {} : { timeoutSeconds };
    const creating = cluster().create(urn, news, options);
    const failure = await creating.catch((error: unknown) => initFailureOf(error));
    return { inputs: news, reasons: [] as string[], ...failure };
  }

  function said(urn: string, words: string): Promise<Message> {
    const { engine, other } = cluster();
    return other.eventually(() =>
      Promise.resolve(
        engine.messages.find((item) => item.urn === urn && item.text.includes(words)),
      ),
    );
  }

  it("waits for any object as pulumi.com/waitFor asks, also where its kind has a rule", async () => {
    const { engine, create, other } = cluster();
    const expression = "jsonpath={.data.ready}=yes";
    const waitFor = { "pulumi.com/waitFor": expression };
    const failure = await failing(mapUrn, configMap("asked", waitFor, { ready: "no" }), 1);
    expect(failure.reasons).toEqual([
      "ConfigMap default/asked is not ready after 1 s",
      `pulumi.com/waitFor: "${expression}" is not met: found "no"`,
    ]);
    const refreshed = engine.read(mapUrn, failure).catch((error: unknown) => initFailureOf(error));
    expect(await refreshed).toMatchObject({ reasons: [failure.reasons[1]] });
    const annotated = configMap("asked", waitFor);
    const updating = engine.update(mapUrn, failure, await engine.check(mapUrn, annotated));
    await said(mapUrn, "the path selects nothing");
    await other.merge(`${CONFIG_MAPS}/asked`, { data: { ready: "yes" } });
    await engine.delete(mapUrn, await updating);

    const asks = {
      "pulumi.com/waitFor": '["condition=Progressing", "jsonpath={.spec.replicas}=1"]',
    };
    const web = await create(webUrn, deployment("progressing", asks), { timeoutSeconds: 60 });
    expect(web.outputs.status).not.toHaveProperty("availableReplicas");
    await endingPods(other, "progressing", engine.delete(webUrn, web));
  });

  it("refuses what it cannot understand before anything is made", async () => {
    const { engine } = cluster();
    const wrong = configMap("wrong", { "pulumi.com/waitFor": "jsonpath={.data[}" });
    await expect(engine.check(mapUrn, wrong)).rejects.toThrow(
      'metadata.annotations["pulumi.com/waitFor"]: annotation pulumi.com/waitFor: ' +
        '"jsonpath={.data[}": is no JSONPath as RFC 9535 has it',
    );
    const vague = configMap("vague", { "pulumi.com/timeoutSeconds": "10m" });
    await engine.check(mapUrn, vague);
    await said(mapUrn, '"10m" is no positive whole number of seconds');
  });

  it("waits as long as customTimeouts or else pulumi.com/timeoutSeconds say", async () => {
    const { engine } = cluster();
    const annotations = {
      "pulumi.com/waitFor": "jsonpath={.data.never}",
      "pulumi.com/timeoutSeconds": "1",
    };
    const annotated = await failing(mapUrn, configMap("timed", annotations));
    expect(annotated.reasons[0]).toBe("ConfigMap default/timed is not ready after 1 s");
    await engine.delete(mapUrn, annotated);
    const custom = await failing(mapUrn, configMap("timed", annotations), 2);
    expect(custom.reasons[0]).toBe("ConfigMap default/timed is not ready after 2 s");
    await engine.delete(mapUrn, custom);
  });

  it("waits for nothing with pulumi.com/skipAwait, but for a name to be free again", async () => {
    const { engine, create, other } = cluster();
    const skip = { "pulumi.com/skipAwait": "true" };
    const asks = { ...skip, "pulumi.com/waitFor": "condition=Never" };
    const web = await create(webUrn, deployment("skipping", asks), { timeoutSeconds: 60 });
    const updated = await engine.update(webUrn, web, web.inputs, { timeoutSeconds: 60 });
    expect(await engine.read(webUrn, updated)).toBeDefined();
    await engine.delete(webUrn, updated);
    const left = await other.get("/apis/apps/v1/namespaces/default/deployments/skipping");
    expect(left.metadata).toHaveProperty("deletionTimestamp");
    const gone = () => other.get("/apis/apps/v1/namespaces/default/deployments/skipping");
    const ending = other.eventually(() =>
      gone()
        .then(() => undefined)
        .catch(() => "gone"),
    );
    expect(await endingPods(other, "skipping", ending)).toBe("gone");

    const map = await create(mapUrn, configMap("held", skip));
    await other.merge(`${CONFIG_MAPS}/held`, { metadata: { finalizers: ["example.com/hold"] } });
    const text = await failureOf(engine.delete(mapUrn, map, { timeoutSeconds: 1 }));
    expect(text).toContain("ConfigMap default/held is not gone after 1 s");
    await other.merge(`${CONFIG_MAPS}/held`, { metadata: { finalizers: null } });
    await engine.delete(mapUrn, map);
  });

  it("names the finalizers that hold a deletion, in its progress and in its error", async () => {
    const { engine, create, other } = cluster();
    const map = await create(mapUrn, configMap("final", {}));
    await other.merge(`${CONFIG_MAPS}/final`, { metadata: { finalizers: ["example.com/keep"] } });
    const text = await failureOf(engine.delete(mapUrn, map, { timeoutSeconds: 7 }));
    expect(text).toBe(
      "ConfigMap default/final is not gone after 7 s\nfinalizers not yet done: example.com/keep",
    );
    await said(mapUrn, "Waiting for ConfigMap to be deleted: finalizers not yet done");
    await other.merge(`${CONFIG_MAPS}/final`, { metadata: { finalizers: null } });
    await engine.delete(mapUrn, map);
  });

  it("deletes dependents first, later or not at all, as the annotation says", async () => {
    const { engine, create, other } = cluster();
    const sets = async (app: string) => {
      const path = `/apis/apps/v1/namespaces/default/replicasets?labelSelector=app%3D${app}`;
      return listAt(await other.get(path), "items").length;
    };
    const make = async (policy: string): Promise<State> => {
      const creating = create(
        webUrn,
        deployment(policy, { "pulumi.com/deletionPropagationPolicy": policy }),
      );
      await reportPods(other, policy, podReady);
      return creating;
    };
    const [first, later, never] = await Promise.all(
      ["foreground", "background", "orphan"].map((policy) => make(policy)),
    );
    if (first === undefined || later === undefined || never === undefined) {
      throw new Error("three were made");
    }
    const held = await failureOf(engine.delete(webUrn, first, { timeoutSeconds: 8 }));
    expect(held).toMatch(/is not gone after 8 s\nPod foreground-\S+ is still there$/);
    await endingPods(other, "foreground", engine.delete(webUrn, first));
    expect(await sets("foreground")).toBe(0);

    await engine.delete(webUrn, later, { timeoutSeconds: 60 });
    const pods = await other.get("/api/v1/namespaces/default/pods?labelSelector=app%3Dbackground");
    expect(listAt(pods, "items")).toHaveLength(1);

    await engine.delete(webUrn, never, { timeoutSeconds: 60 });
    expect(await sets("orphan")).toBe(1);
  });

  it("goes on waiting while the API server is away, and says that it does", async () => {
    const { engine, create, other, plane } = cluster();
    const [staysUrn, endsUrn] = [
      urnOf("apps/v1:Deployment", "stays"),
      urnOf("apps/v1:Deployment", "ends"),
    ];
    const leavesUrn = urnOf("core/v1:ConfigMap", "leaves");
    const map = await create(leavesUrn, configMap("leaving", {}));
    await other.merge(`${CONFIG_MAPS}/leaving`, { metadata: { finalizers: ["example.com/last"] } });
    const staying = create(staysUrn, deployment("stays"), { timeoutSeconds: 120 });
    const leaving = engine.delete(leavesUrn, map, { timeoutSeconds: 120 });
    const ending = failing(endsUrn, deployment("ends"), 12);
    await Promise.all([staysUrn, leavesUrn, endsUrn].map((urn) => said(urn, "Waiting for")));

    const start = await stopApiServer(plane.server);
    await Promise.all([staysUrn, leavesUrn, endsUrn].map((urn) => said(urn, OUTAGE)));
    const ended = await ending;
    expect(ended.reasons.slice(0, 2)).toEqual([
      "Deployment default/ends is not ready after 12 s",
      expect.stringMatching(/^not seen any more: the Kubernetes API server .* cannot be reached/),
    ]);
    start();
    await other.eventually(() => other.get("/readyz").catch(() => undefined));
    await reportPods(other, "stays", podReady);
    expect((await staying).outputs.status).toMatchObject({ availableReplicas: 1 });
    await other.merge(`${CONFIG_MAPS}/leaving`, { metadata: { finalizers: null } });
    await leaving;
    const last = engine.messages.filter((item) => item.urn === staysUrn).at(-1);
    expect(last?.text).toBe("Deployment initialization complete");
  });
});
