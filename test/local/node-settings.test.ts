import { describe, expect, it } from "vitest";

import { patchFor, recordOf, settingsOf } from "../../infra/local/runtime/node-settings";
import type { ClusterRecord } from "../../infra/local/runtime/spec";

const RECORD = "drydock.dev/node-settings";
const soft = { key: "example.com/soft", value: "", effect: "PreferNoSchedule" } as const;
const batch = { key: "example.com/batch", value: "on", effect: "NoSchedule" } as const;
const foreign = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" } as const;

function node(labels: Record<string, string>, taints: object[], annotations = {}) {
  return {
    metadata: { name: "n", resourceVersion: "7", labels, annotations },
    spec: { taints: taints as (typeof foreign)[] },
  };
}

describe("the settings of a running node", () => {
  it("are added beside what others have set, bound to what was read", () => {
    const wanted = { labels: { "example.com/disk": "ssd" }, taints: [soft] };
    expect(patchFor(node({ other: "1" }, [foreign]), wanted)).toEqual({
      metadata: {
        resourceVersion: "7",
        labels: { "example.com/disk": "ssd" },
        annotations: recordOf(wanted),
      },
      spec: { taints: [foreign, { key: soft.key, effect: soft.effect }] },
    });
  });

  it("need no change where they are in place, in whatever order", () => {
    const wanted = { labels: { a: "1" }, taints: [soft, batch] };
    const there = [batch, foreign, { key: soft.key, effect: soft.effect }];
    expect(patchFor(node({ a: "1" }, there, recordOf(wanted)), wanted)).toBeUndefined();
  });

  it("go when they are no longer wanted, and only those that were set here", () => {
    const before = { labels: { a: "1", b: "1" }, taints: [soft, batch] };
    const patch = patchFor(
      // Somebody else has set b to another value since.
      node({ a: "1", b: "theirs", c: "theirs" }, [foreign, soft, batch], recordOf(before)),
      { labels: {}, taints: [batch] },
    );
    expect(patch).toMatchObject({
      metadata: { labels: { a: null }, annotations: { [RECORD]: expect.any(String) as string } },
      spec: { taints: [foreign, batch] },
    });
    expect(Object.keys((patch as { metadata: { labels: object } }).metadata.labels)).toEqual(["a"]);
  });

  it("change the value of a taint in its place", () => {
    const before = { labels: {}, taints: [batch] };
    const wanted = { labels: {}, taints: [{ ...batch, value: "off" }] };
    expect(patchFor(node({}, [batch], recordOf(before)), wanted)).toMatchObject({
      spec: { taints: [{ ...batch, value: "off" }] },
    });
  });

  it("leave the taints alone where only labels change", () => {
    const patch = patchFor(node({}, [foreign]), { labels: { a: "1" }, taints: [] });
    expect(patch).not.toHaveProperty("spec");
  });
});

describe("the settings that a configuration asks for", () => {
  const record = (realNode: boolean, taints?: ClusterRecord["spec"]["nodes"]["taints"]) =>
    ({
      realNode,
      spec: {
        nodes: {
          real: "auto",
          simulated: 3,
          labels: { simulated: { "topology.kubernetes.io/zone": "z" } },
          ...(taints === undefined ? {} : { taints }),
        },
      },
    }) as unknown as ClusterRecord;

  it("keep pods off the simulated nodes beside a real one, unless told otherwise", () => {
    const kwok = { key: "kwok.x-k8s.io/node", value: "fake", effect: "NoSchedule" };
    expect(settingsOf(record(true), "simulated").taints).toEqual([kwok]);
    expect(settingsOf(record(true, { simulated: [] }), "simulated").taints).toEqual([]);
    expect(settingsOf(record(true, { simulated: [batch] }), "simulated").taints).toEqual([batch]);
    expect(settingsOf(record(false), "simulated").taints).toEqual([]);
    expect(settingsOf(record(true), "real").taints).toEqual([]);
  });

  it("place every node, and let the configuration place it elsewhere", () => {
    const zone = "topology.kubernetes.io/zone";
    expect(settingsOf(record(true), "real").labels[zone]).toBe("local-a");
    expect(settingsOf(record(true), "simulated", 2).labels[zone]).toBe("z");
  });
});
