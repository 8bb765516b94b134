import { describe, expect, it } from "vitest";

import { nginx, type NginxArgs } from "../../apps/nginx";
import { siteContent } from "../../apps/nginx/content";
import { CONTENT_DIRECTORY, DRAIN_COMMAND } from "../../apps/nginx/image/recipe";
import { kubernetesModel } from "../../review/recording/models/kubernetes";
import type { Recording } from "../../review/recording/recorder";
import { record } from "../../review/recording/recording";
import type { Capabilities } from "../../infra/cluster";
import { manifest, type Manifest } from "../support/manifests";
import { place } from "./place";

const usual: Omit<NginxArgs, "place"> = {
  image: "drydock/nginx@sha256:abc",
  replicas: 3,
  port: 8080,
  resources: { cpu: "25m", memory: "32Mi" },
  rolloutTimeoutSeconds: 90,
};

function nginxWith(
  changes: Partial<NginxArgs> = {},
  capabilities: Partial<Capabilities> = {},
  status?: object,
): Promise<Recording> {
  const service = kubernetesModel["kubernetes:core/v1:Service"];
  const model = {
    resources: {
      ...kubernetesModel,
      "kubernetes:core/v1:Service": (created: { name: string; inputs: object }) => ({
        ...service?.(created as Parameters<typeof service>[0]),
        ...(status === undefined ? {} : { computed: { status } as never }),
      }),
    },
    functions: {},
  };
  return record(
    () =>
      Promise.resolve({
        url: nginx({ ...usual, place: place(capabilities), ...changes }, {}).url,
      }),
    { mode: "update", model },
  );
}

const podOf = (recording: Recording) => {
  const { template } = manifest(recording, "Deployment").spec ?? {};
  if (template === undefined) throw new Error("The Deployment has no template.");
  return template.spec;
};

describe("nginx", () => {
  it("is a Deployment of three replicas that never has one less", async () => {
    const { metadata, spec } = manifest(await nginxWith(), "Deployment");
    expect(metadata).toMatchObject({ name: "nginx", namespace: "web" });
    expect(spec).toMatchObject({
      replicas: 3,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    });
  });

  it("takes its content from a ConfigMap through the volume cool-volume", async () => {
    const recording = await nginxWith();
    const { volumes, containers } = podOf(recording);
    expect(volumes).toEqual([
      { name: "cool-volume", configMap: { name: "nginx-content-xxxxxxxx" } },
      { name: "tmp", emptyDir: { sizeLimit: "16Mi" } },
    ]);
    expect(containers[0]?.volumeMounts).toEqual([
      { name: "cool-volume", mountPath: CONTENT_DIRECTORY, readOnly: true },
      { name: "tmp", mountPath: "/tmp" },
    ]);
    const content = manifest(recording, "ConfigMap");
    expect(content.data).toEqual(siteContent());
    expect(content.data?.["index.html"]).toContain("<!doctype html>");
  });

  it("leaves the ConfigMap's name to Pulumi, so that other content rolls the pods", async () => {
    const content = manifest(await nginxWith(), "ConfigMap");
    expect(content.metadata.name).toBeUndefined();
    expect((content as Manifest & { immutable: boolean }).immutable).toBe(true);
  });

  it("drains before it quits, and says when it is ready", async () => {
    const [container] = podOf(await nginxWith()).containers;
    const httpGet = { path: "/healthz", port: "http" };
    expect(container).toMatchObject({
      startupProbe: { httpGet },
      readinessProbe: { httpGet },
      livenessProbe: { httpGet },
      lifecycle: { preStop: { exec: { command: [DRAIN_COMMAND] } } },
      ports: [{ name: "http", containerPort: 8080 }],
    });
  });

  it("requests what it is given; the memory is its limit too", async () => {
    const [container] = podOf(
      await nginxWith({ resources: { cpu: "1", memory: "1Gi" } }),
    ).containers;
    expect(container?.resources).toEqual({
      requests: { cpu: "1", memory: "1Gi" },
      limits: { memory: "1Gi" },
    });
  });

  it("fails an update that does not get ready in time", async () => {
    const recording = await nginxWith({ rolloutTimeoutSeconds: 45 });
    expect(manifest(recording, "Deployment").spec?.progressDeadlineSeconds).toBe(45);
    const deployment = recording.resources.find(({ type }) => type.endsWith(":Deployment"));
    expect(deployment?.options.timeouts).toEqual({ create: "45s", update: "45s", delete: "" });
  });

  it("is one app behind a load balancer, at the port it is given", async () => {
    const { metadata, spec } = manifest(await nginxWith(), "Service");
    expect(metadata).toMatchObject({ name: "nginx", namespace: "web", annotations: {} });
    expect(spec).toEqual({
      type: "LoadBalancer",
      selector: { "app.kubernetes.io/name": "nginx" },
      ports: [{ name: "http", protocol: "TCP", port: 8080, targetPort: "http" }],
    });
  });

  it("carries what the cluster's load-balancer controller asks for", async () => {
    const annotations = { "example.com/scheme": "internal" };
    const recording = await nginxWith(
      {},
      { loadBalancer: { annotations, className: "example.com/nlb" } },
    );
    const { metadata, spec } = manifest(recording, "Service");
    expect(metadata.annotations).toEqual(annotations);
    expect(spec?.loadBalancerClass).toBe("example.com/nlb");
  });

  it.each([
    ["an address", { loadBalancer: { ingress: [{ ip: "127.0.0.2" }] } }, "http://127.0.0.2:8080"],
    ["a name", { loadBalancer: { ingress: [{ hostname: "lb.test" }] } }, "http://lb.test:8080"],
    ["nothing", { loadBalancer: {} }, "http://nginx.web.svc:8080"],
  ])("tells its URL where the load balancer has %s", async (_, status, url) => {
    expect((await nginxWith({}, {}, status)).outputs).toEqual({ url });
  });

  it("answers inside a cluster without a load balancer", async () => {
    const recording = await nginxWith({}, { loadBalancer: undefined }, {});
    expect(manifest(recording, "Service").spec?.type).toBe("ClusterIP");
    expect(recording.outputs).toEqual({ url: "http://nginx.web.svc:8080" });
  });

  it("keeps its Service with no replica", async () => {
    const recording = await nginxWith({ replicas: 0 });
    expect(manifest(recording, "Deployment").spec?.replicas).toBe(0);
    expect(manifest(recording, "Service").spec?.type).toBe("LoadBalancer");
  });

  it("spreads over the zones of the cluster", async () => {
    const { topologySpreadConstraints } = podOf(await nginxWith({}, { zones: ["a", "b"] }));
    expect(topologySpreadConstraints?.map(({ topologyKey }) => topologyKey)).toEqual([
      "topology.kubernetes.io/zone",
      "kubernetes.io/hostname",
    ]);
  });
});
