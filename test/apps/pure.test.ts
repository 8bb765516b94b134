import { describe, expect, it } from "vitest";

import { appLabels, selectorLabels } from "../../apps/labels";
import { spread } from "../../apps/spread";
import { serviceUrl } from "../../apps/url";

describe("the URL of a Service", () => {
  const service = { name: "site", namespace: "web", port: 80 };

  it.each([
    [service, { ip: "127.0.0.1" }, "http://127.0.0.1"],
    [{ ...service, port: 8080 }, { ip: "127.0.0.1" }, "http://127.0.0.1:8080"],
    [service, { ip: "2001:db8::1" }, "http://[2001:db8::1]"],
    [service, { hostname: "lb.test", ip: "192.0.2.1" }, "http://lb.test"],
    [service, undefined, "http://site.web.svc"],
    [service, {}, "http://site.web.svc"],
  ])("of %j at %j is %s", (about, ingress, url) => {
    expect(serviceUrl(about, ingress)).toBe(url);
    expect(() => new URL(url)).not.toThrow();
  });
});

describe("the labels of an app", () => {
  it("contain those that select it", () => {
    expect(appLabels("site")).toMatchObject(selectorLabels("site"));
    expect(Object.keys(appLabels("site")).length).toBeGreaterThan(1);
  });

  it("select no other app", () => {
    expect(selectorLabels("site")).not.toEqual(selectorLabels("other"));
  });
});

describe("the spread of pods", () => {
  const labels = { app: "site" };
  const rules = (zones: string[]) =>
    spread(labels, zones).map(({ topologyKey, whenUnsatisfiable }) => ({
      topologyKey,
      whenUnsatisfiable,
    }));
  const nodes = { topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "ScheduleAnyway" };

  it.each([[[]], [["a"]]])("over the zones %j asks for nodes alone", (zones) => {
    expect(rules(zones)).toEqual([nodes]);
  });

  it("over several zones insists on them", () => {
    expect(rules(["a", "b", "c"])).toEqual([
      { topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "DoNotSchedule" },
      nodes,
    ]);
  });

  it("counts the pods of one revision of one app", () => {
    expect(spread(labels, [])[0]).toMatchObject({
      maxSkew: 1,
      labelSelector: { matchLabels: labels },
      matchLabelKeys: ["pod-template-hash"],
    });
  });
});
