import { describe, expect, it } from "vitest";

import { labels, taints } from "../../config/node-settings";
import { parseConfig } from "../../config/parse";

const cluster = { kind: "local", name: "dev" };
function local(nodes: unknown) {
  const parsed = parseConfig({ cluster: { ...cluster, nodes } }).cluster;
  if (parsed.kind !== "local") throw new Error(`The cluster is of kind ${parsed.kind}.`);
  return parsed.nodes;
}

describe("labels of nodes", () => {
  it.each([
    ["pool", "spot"],
    ["example.com/pool", ""],
    ["a.b-c.example.com/Pool_1.x", "A-1_b.c"],
    ["topology.kubernetes.io/zone", "a"],
    ["node.kubernetes.io/instance-type", "small"],
    [`${"a".repeat(63)}.example/x`, "y".repeat(63)],
    ["x.x-k8s.io/node", "1"],
  ])("admit %s=%s", (key, value) => {
    expect(labels.safeParse({ [key]: value }).success).toBe(true);
  });

  it.each([
    ["", "x"],
    ["-pool", "x"],
    ["pool-", "x"],
    ["a/b/c", "x"],
    ["/pool", "x"],
    ["Example.com/pool", "x"],
    ["p".repeat(64), "x"],
    [`${"a".repeat(64)}.example/x`, "x"],
    [`${"a.".repeat(130)}example/x`, "x"],
    ["pool", "a b"],
    ["pool", "-a"],
    ["pool", "y".repeat(64)],
    ["kubernetes.io/hostname", "other"],
    ["node-role.kubernetes.io/worker", ""],
    ["node-restriction.kubernetes.io/x", "y"],
    ["foo.k8s.io/x", "y"],
    ["k8s.io/x", "y"],
  ])("refuse %s=%s", (key, value) => {
    expect(labels.safeParse({ [key]: value }).success).toBe(false);
  });
});

describe("taints of nodes", () => {
  const taint = { key: "example.com/batch", value: "on", effect: "NoSchedule" };

  it("have an empty value unless one is given", () => {
    const bare = { key: taint.key, effect: taint.effect };
    expect(taints.parse([bare])).toEqual([{ ...bare, value: "" }]);
  });

  it.each([
    ["an unknown effect", [{ ...taint, effect: "Never" }]],
    ["a misspelt key", [{ ...taint, efect: "NoSchedule" }]],
    ["a taint that Kubernetes sets itself", [{ ...taint, key: "node.kubernetes.io/not-ready" }]],
    ["two of one key and effect", [taint, { ...taint, value: "off" }]],
  ])("refuse %s", (_, list) => {
    expect(taints.safeParse(list).success).toBe(false);
  });

  it("may differ by effect alone", () => {
    expect(taints.safeParse([taint, { ...taint, effect: "NoExecute" }]).success).toBe(true);
  });

  it("of simulated nodes are left to the cluster unless they are set, also to none", () => {
    expect(local({}).taints.simulated).toBeUndefined();
    expect(local({ taints: { simulated: [] } }).taints.simulated).toEqual([]);
  });
});

it("says every problem at once, with key, rule and fix", () => {
  const nodes = {
    labels: { real: { "kubernetes.io/os": "plan9", gpu: true }, simulated: { type: "mine" } },
    taints: { simulated: [{ key: "a b", effect: "NoSchdule" }] },
  };
  let message = "";
  try {
    local(nodes);
  } catch (error) {
    message = String(error);
  }
  for (const part of [
    "5 problems",
    "drydock:cluster.nodes.labels.real.kubernetes.io/os",
    "must have a key outside kubernetes.io and k8s.io",
    "use a prefix of your own, such as example.com/",
    "drydock:cluster.nodes.labels.real.gpu = true",
    "drydock:cluster.nodes.labels.simulated",
    "must be labels without the key type",
    'drydock:cluster.nodes.taints.simulated.0.key = "a b"',
    "must be a key of Kubernetes: at most 63 letters",
    'did you mean "NoSchedule"?',
  ]) {
    expect(message).toContain(part);
  }
});
