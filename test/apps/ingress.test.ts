import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  type Entry,
  healthPath,
  ingressAnnotations,
  ingressSpec,
  ingressUrl,
} from "../../apps/workload/ingress";
import { networkPolicy } from "../../apps/workload/network";
import type { IngressCapability } from "../../infra/cluster";

const capability: IngressCapability = { className: "some", annotations: { a: "1" }, tls: false };
const entry = (changes: Partial<Entry> = {}): Entry => ({
  port: "http",
  capability,
  healthPath: "/healthz",
  ...changes,
});
const withTls = { ...capability, tls: true };

describe("an Ingress", () => {
  it("leads all requests to the Service's port, without more than the cluster asks for", () => {
    expect(ingressSpec(entry(), "app")).toEqual({
      ingressClassName: "some",
      rules: [
        {
          http: {
            paths: [
              {
                path: "/",
                pathType: "Prefix",
                backend: { service: { name: "app", port: { name: "http" } } },
              },
            ],
          },
        },
      ],
    });
    expect(ingressAnnotations(entry())).toEqual({ a: "1" });
  });

  it.each([
    ["the controller's certificate", { capability: withTls }, [{ hosts: ["a.test"] }]],
    ["a Secret's", { tlsSecret: "key" }, [{ hosts: ["a.test"], secretName: "key" }]],
    ["none", {}, undefined],
  ])("asks for TLS with %s", (_, changes, tls) => {
    expect(ingressSpec(entry({ host: "a.test", ...changes }), "app").tls).toEqual(tls);
  });

  it("tells a controller that asks pods itself where they say that they are well", () => {
    const asking = { ...capability, healthPathAnnotation: "check" };
    expect(ingressAnnotations(entry({ capability: asking }))).toEqual({
      a: "1",
      check: "/healthz",
    });
    const silent = entry({ capability: asking, healthPath: undefined });
    expect(ingressAnnotations(silent)).toEqual({ a: "1" });
  });

  it("has the readiness path of the container behind it, where that is asked at the same port", () => {
    const container = (more: object) => ({
      image: "a:1",
      resources: { cpu: "1m", memory: "1Mi" } as const,
      ports: { http: 80, other: 81 },
      ...more,
    });
    const path = (more: object) => healthPath({ app: container(more) }, "http");
    const health = { path: "/live", port: "http" };
    expect(path({ health })).toBe("/live");
    expect(path({ health, ready: { path: "/ready", port: "http" } })).toBe("/ready");
    expect(path({ health: { path: "/live", port: "other" } })).toBeUndefined();
    expect(path({ health: { port: "http" } })).toBeUndefined();
    expect(path({ health: { command: ["true"] } })).toBeUndefined();
  });
});

describe("the URL of an Ingress", () => {
  it.each([
    [{}, undefined, ""],
    [{}, { ip: "127.0.0.1", ports: [{ port: 8000 }] }, "http://127.0.0.1:8000"],
    [{}, { hostname: "lb.test" }, "http://lb.test"],
    [{ host: "a.test" }, undefined, "http://a.test"],
    [{ host: "a.test" }, { ip: "127.0.0.1", ports: [{ port: 80 }] }, "http://a.test"],
    [{ host: "a.test", capability: withTls }, { hostname: "lb.test" }, "https://a.test"],
    [{ host: "a.test", paths: ["/files", "/"] }, undefined, "http://a.test/files"],
  ])("of %j at %j is %s", (changes, address, url) => {
    expect(ingressUrl(entry(changes), address)).toBe(url);
  });

  it("is one, whatever the paths", () => {
    const segment = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    const path = fc.array(segment, { maxLength: 3 }).map((parts) => `/${parts.join("/")}`);
    fc.assert(
      fc.property(path, (first) => {
        const url = new URL(ingressUrl(entry({ host: "a.test", paths: [first] }), undefined));
        expect(url.pathname).toBe(first);
      }),
    );
  });
});

describe("the network policy of a workload with an entry", () => {
  const base = { selector: { app: "a" }, ports: [8080, 9090], reaches: [], outside: [] };
  const source = { podSelector: { matchLabels: { app: "controller" } } };
  const one = { port: 8080, sources: [source] };
  const toPort = [{ protocol: "TCP", port: 8080 }];

  it("lets the controller in, to that port alone", () => {
    const { ingress } = networkPolicy({ ...base, callers: [], entry: one });
    expect(ingress).toEqual([{ from: [source], ports: toPort }]);
  });

  it("lets everybody in where nobody knows from where the controller asks", () => {
    const { ingress } = networkPolicy({
      ...base,
      callers: [],
      entry: { ...one, sources: undefined },
    });
    expect(ingress).toEqual([{ ports: toPort }]);
  });

  it("adds nothing behind a load balancer, whose callers are everybody, and keeps the others", () => {
    const open = networkPolicy({ ...base, callers: "loadBalancer", entry: one }).ingress;
    expect(open).toHaveLength(1);
    expect(networkPolicy({ ...base, callers: ["front"], entry: one }).ingress).toHaveLength(2);
  });
});
