import { afterEach, describe, expect, it, vi } from "vitest";

import { getPath, textAt } from "../../toolchain/kubernetes/objects";
import type { PropertyMap } from "../../toolchain/plugin/serve";
import { initFailureOf, type Message } from "./support/engine";
import { urnOf, useControlPlane } from "./support/fixture";

const INGRESSES = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";

describe("other kinds on a real API server", () => {
  const cluster = useControlPlane();
  afterEach(() => vi.unstubAllEnvs());

  async function failing(urn: string, news: PropertyMap, timeoutSeconds: number) {
    const failure = await cluster()
      .create(urn, news, { timeoutSeconds })
      .catch((error: unknown) => error);
    const details = initFailureOf(failure);
    return { ...details, inputs: news, text: details.reasons.join("\n") };
  }

  function said(urn: string, words: string): Promise<Message> {
    const { engine, other } = cluster();
    return other.eventually(() =>
      Promise.resolve(
        engine.messages.find((item) => item.urn === urn && item.text.includes(words)),
      ),
    );
  }

  it("waits for an Ingress: its backends, then its address", async () => {
    const { engine, create, other } = cluster();
    const urn = urnOf("networking.k8s.io/v1:Ingress", "web");
    const ingress = (service: string) => ({
      metadata: { name: "web" },
      spec: {
        ingressClassName: "nginx",
        defaultBackend: { service: { name: "elsewhere", port: { number: 80 } } },
        rules: [
          {
            http: {
              paths: [
                {
                  path: "/",
                  pathType: "Prefix",
                  backend: { service: { name: service, port: { number: 80 } } },
                },
              ],
            },
          },
        ],
      },
    });
    const failure = await failing(urn, ingress("web"), 2);
    expect(failure.reasons).toEqual([
      "Ingress default/web is not ready after 2 s",
      'Service web, to which "/" leads, does not exist',
      "Service elsewhere, to which the default backend leads, does not exist",
      "IngressClass nginx does not exist: is its controller installed?",
    ]);

    const inputs = await engine.check(urn, ingress("web"), failure.inputs);
    const updating = engine.update(urn, failure, inputs);
    await said(urn, "[1/3] Finding a matching service for each Ingress path");
    const services = "/api/v1/namespaces/default/services";
    const spec = { type: "ExternalName", externalName: "example.com" };
    await other.post(services, { metadata: { name: "elsewhere" }, spec });
    await other.post(services, {
      metadata: { name: "web" },
      spec: { selector: { app: "none" }, ports: [{ port: 80 }] },
    });
    await said(urn, "[2/3] Waiting for the Ingress controller to give an address");
    const address = { loadBalancer: { ingress: [{ hostname: "lb.example.com" }] } };
    await other.merge(`${INGRESSES}/web/status`, { status: address });
    const ready = await updating;
    expect(ready.outputs.status).toEqual(address);
    const second = await create(
      urn,
      { ...ingress("web"), metadata: { name: "gone" } },
      {
        timeoutSeconds: 1,
      },
    ).catch((error: unknown) => initFailureOf(error));
    expect(second).toMatchObject({ id: "default/gone" });
    await engine.delete(urn, ready);
  });

  it("tells that an autoscaler has no metrics, and fails no update for it", async () => {
    const { engine, create, other } = cluster();
    const urn = urnOf("autoscaling/v2:HorizontalPodAutoscaler", "web");
    const state = await create(
      urn,
      {
        metadata: { name: "web" },
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "none" },
          maxReplicas: 3,
        },
      },
      { timeoutSeconds: 2 },
    );
    expect(engine.messages.find((item) => item.urn === urn && item.severity === "warn")?.text).toBe(
      "HorizontalPodAutoscaler default/web: it does not scale yet: AbleToScale is not known",
    );
    expect(await engine.read(urn, state)).toBeDefined();

    const updating = engine.update(urn, state, state.inputs);
    await said(urn, "Waiting for HorizontalPodAutoscaler to be active");
    const conditions = ["AbleToScale", "ScalingActive"].map((type) => ({ type, status: "True" }));
    const path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/web/status";
    await other.merge(path, { status: { conditions, desiredReplicas: 1 } });
    await engine.delete(urn, await updating);
  });

  it("waits until a new kind is served, and says why it is not", async () => {
    const { engine, create } = cluster();
    const urn = urnOf("apiextensions.k8s.io/v1:CustomResourceDefinition", "crd");
    const definition = (plural: string, kind: string) => ({
      metadata: { name: `${plural}.example.com` },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { plural, singular: plural.slice(0, -1), kind },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            },
          },
        ],
      },
    });
    const state = await create(urn, definition("certificates", "Certificate"));
    expect(engine.texts("status")).toContain("CustomResourceDefinition is established");
    const taken = await failing(urn, definition("papers", "Certificate"), 20);
    expect(taken.reasons[0]).toBe("CustomResourceDefinition papers.example.com failed");
    expect(taken.text).toContain("is already in use");
    await engine.delete(urn, taken);
    await waitForCustomResources();
    await engine.delete(urn, state);
  });

  /** The controller of these is the test. */
  async function waitForCustomResources(): Promise<void> {
    const { engine, create, other } = cluster();
    const urn = urnOf("example.com/v1:Certificate", "web");
    const path = "/apis/example.com/v1/namespaces/default/certificates/web";
    // The garbage collector takes half a minute to learn of a new kind: it must not be needed.
    const annotations = { "pulumi.com/deletionPropagationPolicy": "background" };
    const certificate = { metadata: { name: "web", annotations }, spec: { host: "a" } };
    const unwatched = await create(urn, certificate, { timeoutSeconds: 2 });
    const condition = (status: string) => ({
      status: {
        conditions: [{ type: "Ready", status, reason: "Issuing", message: "asks the CA" }],
      },
    });
    await other.merge(path, condition("False"));
    expect(await engine.read(urn, unwatched)).toBeDefined();

    vi.stubEnv("PULUMI_K8S_AWAIT_ALL", "true");
    const unready = await engine
      .read(urn, unwatched)
      .catch((error: unknown) => initFailureOf(error));
    expect(unready).toMatchObject({ reasons: ["Issuing: asks the CA"] });
    const updating = engine.update(urn, unwatched, { ...unwatched.inputs, spec: { host: "b" } });
    expect((await said(urn, "Waiting for Certificate to be ready")).text).toBe(
      "Waiting for Certificate to be ready: Issuing: asks the CA",
    );
    await other.merge(path, condition("True"));
    await engine.delete(urn, await updating);
  }

  it("waits for an aggregated API, a volume, a quota and a token", async () => {
    const { engine, create } = cluster();
    const apiUrn = urnOf("apiregistration.k8s.io/v1:APIService", "api");
    const api = await failing(
      apiUrn,
      {
        metadata: { name: "v1.metrics.example.com" },
        spec: {
          group: "metrics.example.com",
          version: "v1",
          groupPriorityMinimum: 100,
          versionPriority: 100,
          insecureSkipTLSVerify: true,
          service: { name: "metrics", namespace: "default" },
        },
      },
      2,
    );
    expect(api.text).toContain("ServiceNotFound");
    await engine.delete(apiUrn, api);

    const volumeUrn = urnOf("core/v1:PersistentVolume", "disk");
    const volume = await create(volumeUrn, {
      metadata: { name: "spare-disk" },
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        storageClassName: "none",
        hostPath: { path: "/nowhere" },
      },
    });
    expect(getPath(volume.outputs.status as never, "phase")).toBe("Available");

    const quotaUrn = urnOf("core/v1:ResourceQuota", "quota");
    const quota = (pods: string) => ({ metadata: { name: "quota" }, spec: { hard: { pods } } });
    const counted = await create(quotaUrn, quota("50"));
    const changed = await engine.update(quotaUrn, counted, {
      ...counted.inputs,
      ...quota("60"),
      metadata: counted.inputs.metadata ?? null,
    });
    expect(getPath(changed.outputs.status as never, "hard")).toEqual({ pods: "60" });

    const tokenUrn = urnOf("core/v1:Secret", "token");
    const token = (account: string) => ({
      metadata: {
        name: `token-${account}`,
        annotations: { "kubernetes.io/service-account.name": account },
      },
      type: "kubernetes.io/service-account-token",
    });
    const filled = await create(tokenUrn, token("default"));
    expect(JSON.stringify(filled.outputs)).toContain("data");
    const orphan = await failing(tokenUrn, token("nobody"), 20);
    expect(orphan.text).toContain('ServiceAccount "nobody", whose token it was to hold');
    const states: [string, typeof volume][] = [
      [volumeUrn, volume],
      [quotaUrn, changed],
      [tokenUrn, filled],
    ];
    await Promise.all(states.map(([urn, state]) => engine.delete(urn, state)));
  });

  it("does not wait for the kinds that have nothing to wait for", async () => {
    const { engine, create } = cluster();
    const objects: [string, PropertyMap][] = [
      ["core/v1:Namespace", { metadata: { name: "plain" } }],
      ["core/v1:ServiceAccount", { metadata: { name: "plain" } }],
      [
        "policy/v1:PodDisruptionBudget",
        {
          metadata: { name: "plain" },
          spec: { minAvailable: 1, selector: { matchLabels: { app: "none" } } },
        },
      ],
    ];
    for (const [type, news] of objects) {
      const urn = urnOf(type, "plain");
      const state = await create(urn, news, { timeoutSeconds: 5 });
      expect(textAt(state.outputs.metadata as never, "name")).toBe("plain");
      expect(engine.messages.filter((item) => item.urn === urn)).toEqual([]);
      await engine.delete(urn, state);
    }
  });
});
