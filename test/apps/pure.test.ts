import { describe, expect, it } from "vitest";

import { selectorLabels, workloadLabels } from "../../apps/workload/labels";
import { spread } from "../../apps/workload/spread";
import { seconds } from "../../apps/workload/units";
import { serviceUrl } from "../../apps/workload/url";

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

describe("the labels of a workload", () => {
  it("contain those that select it", () => {
    expect(workloadLabels("site")).toMatchObject(selectorLabels("site"));
    expect(Object.keys(workloadLabels("site")).length).toBeGreaterThan(1);
  });

  it("select no other workload", () => {
    expect(selectorLabels("site")).not.toEqual(selectorLabels("other"));
  });
});

describe("the spread of pods", () => {
  const labels = { app: "site" };
  const rules = (zones: string[]) =>
    spread("Deployment", labels, zones).map(({ topologyKey, whenUnsatisfiable }) => ({
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

  it.each([
    ["Deployment", "pod-template-hash"],
    ["StatefulSet", "controller-revision-hash"],
  ] as const)("counts the pods of one revision of one %s", (kind, label) => {
    expect(spread(kind, labels, [])[0]).toMatchObject({
      maxSkew: 1,
      labelSelector: { matchLabels: labels },
      matchLabelKeys: [label],
    });
  });
});

describe("a time", () => {
  it.each([
    ["30s", 30],
    ["5m", 300],
    ["2h", 7200],
    ["0.5m", 30],
    ["0s", 0],
  ] as const)("of %s is %i seconds", (duration, value) => {
    expect(seconds(duration)).toBe(value);
  });

  it.each(["1.5s", "-1s", "Infinitys"] as const)("of %s is none", (duration) => {
    expect(() => seconds(duration as "1s")).toThrow(`${duration} is no time in whole seconds.`);
  });
});
