import { beforeAll, describe, expect, it } from "vitest";

import { rules } from "../../policy/rules";
import { recordProgram } from "../../review/recording/program";
import type { Recording } from "../../review/recording/recorder";
import { stackFile } from "../../review/recording/stack-file";
import { askPack } from "../policy/support/pack";
import { asked } from "../policy/support/recorded";
import { type Manifest, manifests } from "../support/manifests";

const config = stackFile("dev").config as Record<string, Record<string, unknown>>;

/** dev with an ingress controller, and both apps behind it. */
const changes = (cluster: object = { ingress: { port: 8123 } }) => ({
  "drydock:cluster": { ...config["drydock:cluster"], ...cluster },
  "drydock:apps": {
    nginx: { ingress: { host: "site.localhost" } },
    uploader: { ingress: { host: "files.localhost", paths: ["/files", "/pages"] } },
  },
});

describe("the ingress controller of a local cluster", () => {
  let recording: Recording;
  let objects: Manifest[];
  beforeAll(async () => {
    recording = await recordProgram("dev", "update", { changes: changes() });
    objects = manifests(recording);
  });

  const find = (kind: string, name: string, namespace?: string) => {
    const found = objects.filter(
      (one) =>
        one.kind === kind && one.metadata.name === name && one.metadata.namespace === namespace,
    );
    expect(found, `${kind} ${name}`).toHaveLength(1);
    return found[0] as unknown as { metadata: Manifest["metadata"]; [key: string]: unknown };
  };

  it("is the default class, and names the Service at which it answers", () => {
    const { metadata, spec } = find("IngressClass", "skipper");
    expect(metadata.annotations).toEqual({ "ingressclass.kubernetes.io/is-default-class": "true" });
    const { parameters } = spec as { parameters: { name: string; namespace: string } };
    const service = find("Service", parameters.name, parameters.namespace);
    expect(service.spec).toMatchObject({ type: "LoadBalancer", ports: [{ port: 8123 }] });
  });

  it("may list what it routes by, and nothing else: no Secret, no write", () => {
    expect(find("ClusterRole", "skipper").rules).toEqual([
      { apiGroups: ["networking.k8s.io"], resources: ["ingresses"], verbs: ["list"] },
      { apiGroups: [""], resources: ["services"], verbs: ["list"] },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list"] },
    ]);
  });

  it("lives in a restricted namespace of its own, and is let in by the apps alone that it serves", () => {
    const { labels = {} } = find("Namespace", "ingress").metadata;
    expect(labels["pod-security.kubernetes.io/enforce"]).toBe("restricted");
    const source = {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "ingress" } },
      podSelector: { matchLabels: { "app.kubernetes.io/name": "skipper" } },
    };
    for (const app of ["nginx", "uploader"]) {
      expect(find("NetworkPolicy", app, "web").spec).toMatchObject({
        ingress: [{ from: [source], ports: [{ protocol: "TCP", port: 8080 }] }],
      });
    }
    expect(JSON.stringify(find("NetworkPolicy", "renderer", "web"))).not.toContain("skipper");
  });

  it("takes the place of nginx's load balancer, and gives both apps their URLs", () => {
    expect(find("Service", "nginx", "web").spec).toMatchObject({ type: "ClusterIP" });
    expect(find("Ingress", "uploader", "web").spec).toEqual({
      ingressClassName: "skipper",
      rules: [
        {
          host: "files.localhost",
          http: {
            paths: ["/files", "/pages"].map((path) => ({
              path,
              pathType: "Prefix",
              backend: { service: { name: "uploader", port: { name: "http" } } },
            })),
          },
        },
      ],
    });
    expect(recording.outputs).toMatchObject({
      nginxUrl: "http://site.localhost:8000",
      uploaderUrl: "http://files.localhost:8000/files",
    });
  });

  it("keeps every rule but the one for TLS, which it does not speak", () => {
    const broken = askPack(asked(recording), { only: rules.map(({ id }) => id) }).filter(
      ({ rule }) =>
        !["exception-reported", "inputs-known", "stateful-protected", "ingress-tls"].includes(rule),
    );
    expect(broken).toEqual([]);
  });

  it("is not there where pods are simulated, or kind makes the cluster: the apps say so", async () => {
    for (const chosen of [
      { engine: "native", realNode: false },
      { engine: "kind", realNode: true },
    ]) {
      const functions = { "drydock:local:chooseEngine": () => chosen };
      const without = await recordProgram("dev", "update", { changes: changes(), functions });
      const kinds = manifests(without).map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind.startsWith("Ingress"))).toEqual([]);
      // Where it is without an entry.
      expect(without.outputs.nginxUrl).toBe("http://127.0.0.1");
      expect(without.outputs.uploaderUrl).toBe("http://uploader.web.svc");
    }
  });
});
