import { describe, expect, it } from "vitest";

import { checkClusterInputs, clusterSpec } from "../../infra/local/provider/inputs";
import type { PropertyMap } from "../../toolchain/plugin/serve";

const GOOD: PropertyMap = {
  clusterName: "dev",
  kubernetesVersion: "1.36",
  nodes: { real: "auto", simulated: 0 },
  loadBalancerAddress: "127.0.0.1",
};

describe("the inputs of a local cluster", () => {
  it("are accepted as the program gives them", () => {
    expect(checkClusterInputs(GOOD)).toEqual([]);
    expect(clusterSpec(GOOD)).toEqual({
      name: "dev",
      kubernetesVersion: "1.36",
      nodes: { real: "auto", simulated: 0 },
      loadBalancerAddress: "127.0.0.1",
    });
  });

  it("are refused all at once, each with its value and its rule", () => {
    const failures = checkClusterInputs({
      clusterName: "Dev_1",
      kubernetesVersion: "1.29",
      nodes: { real: "perhaps", simulated: -1 },
      loadBalancerAddress: "0.0.0.0",
    });
    expect(failures.map(({ property, reason }) => `${property}: ${reason}`)).toEqual([
      'clusterName: "Dev_1" must be a DNS label of 1 to 32 characters: it names the network namespace and the nodes',
      'kubernetesVersion: "1.29" must be "1.35" or "1.36": these the toolchain has',
      'nodes.real: "perhaps" must be auto, always or never',
      "nodes.simulated: -1 must be a whole number from 0 to 1000",
      'loadBalancerAddress: "0.0.0.0" must be an address within 127.0.0.0/8: nothing may listen outside loopback',
    ]);
  });

  it("take labels and taints as they are, and refuse them by the rules of the configuration", () => {
    const nodes = {
      real: "auto",
      simulated: 0,
      labels: { real: { "example.com/disk": "ssd" } },
      taints: { simulated: [{ key: "example.com/batch", value: "", effect: "NoSchedule" }] },
    };
    expect(checkClusterInputs({ ...GOOD, nodes })).toEqual([]);
    expect(clusterSpec({ ...GOOD, nodes }).nodes).toEqual(nodes);
    const wrong = {
      ...nodes,
      labels: { real: { "example.com/disk": "s s d" } },
      taints: { simulated: [{ key: "kubernetes.io/x", value: "", effect: "NoSchedule" }] },
    };
    const failures = checkClusterInputs({ ...GOOD, nodes: wrong });
    expect(failures.map(({ property }) => property)).toEqual([
      "nodes.labels.real.example.com/disk",
      "nodes.taints.simulated.0.key",
    ]);
    expect(failures[1]?.reason).toContain("use a prefix of your own");
  });

  it("are refused where they are missing", () => {
    expect(checkClusterInputs({}).map(({ property }) => property)).toEqual([
      "clusterName",
      "kubernetesVersion",
      "nodes.real",
      "nodes.simulated",
      "loadBalancerAddress",
    ]);
  });

  it.each([
    ["clusterName", "a"],
    ["clusterName", "a".repeat(32)],
    ["loadBalancerAddress", "127.1.2.3"],
  ])("accept %s %j", (key, value) => {
    expect(checkClusterInputs({ ...GOOD, [key]: value })).toEqual([]);
  });

  it.each([
    ["clusterName", ""],
    ["clusterName", "a".repeat(33)],
    ["clusterName", "-a"],
    ["clusterName", "a-"],
    ["clusterName", "1a"],
    ["clusterName", "../dev"],
    ["loadBalancerAddress", "127.0.0"],
    ["loadBalancerAddress", "127.0.0.1.evil"],
    ["loadBalancerAddress", "::1"],
    ["nodes", { real: "auto", simulated: 1.5 }],
    ["nodes", { real: "auto", simulated: 1001 }],
    ["nodes", "many"],
  ])("refuse %s %j", (key, value) => {
    expect(checkClusterInputs({ ...GOOD, [key]: value })).not.toEqual([]);
  });
});
