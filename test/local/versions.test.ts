import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { differences } from "../../infra/local/provider/difference";
import { describeChanges, presentVersion } from "../../infra/local/runtime/changes";
import { exchangeData, keepDataApart } from "../../infra/local/runtime/etcd";
import { clusterPaths } from "../../infra/local/runtime/paths";
import { readText } from "../../infra/local/runtime/process";
import { snapshotName } from "../../infra/local/runtime/snapshot";
import {
  type ClusterRecord,
  type ClusterSpec,
  NAMESPACE_PORTS,
} from "../../infra/local/runtime/spec";
import { refusedChange } from "../../infra/local/runtime/versions";
import { kubernetesVersion } from "../../toolchain/tools";
import { temporaryFolder } from "../toolchain/support";

const [OLD, NEW] = [kubernetesVersion("1.35"), kubernetesVersion("1.36")];

function spec(change: Partial<ClusterSpec> = {}, nodes: Partial<ClusterSpec["nodes"]> = {}) {
  return {
    name: "dev",
    kubernetesVersion: "1.36",
    loadBalancerAddress: "127.0.0.1",
    ...change,
    nodes: { real: "auto", simulated: 0, ...nodes },
  } as const satisfies ClusterSpec;
}

function record(change: Partial<ClusterRecord> = {}): ClusterRecord {
  return {
    uid: "1",
    spec: spec(),
    kubernetes: NEW,
    realNode: true,
    simulatedNodes: 0,
    reasons: [],
    network: { kind: "loopback", address: "127.0.0.1" },
    ports: NAMESPACE_PORTS,
    ...change,
  };
}

describe("a change of a running cluster's Kubernetes version", () => {
  it.each([
    ["1.36.3", "1.36.3"],
    ["1.36.3", "1.36.4"],
    ["1.36.4", "1.36.3"],
    ["1.35.4", "1.36.0"],
    ["1.9.9", "1.10.0"],
  ])("is possible from %s to %s", (from, to) => {
    expect(refusedChange(from, to)).toBeUndefined();
  });

  it.each([
    [
      "1.36.3",
      "1.35.4",
      'the cluster runs Kubernetes 1.36.3, and 1.35.4 is older: .*Keep "1.36"; or',
    ],
    ["1.10.0", "1.9.9", "the cluster runs Kubernetes 1.10.0, and 1.9.9 is older"],
    ["2.0.0", "1.36.3", "2.0.0, and 1.36.3 is older"],
    [
      "1.34.2",
      "1.36.3",
      '1.34.2, and 1.36.3 skips a minor: .*Set "1.35" and run npm start, then go on to "1.36"',
    ],
    ["1.36.3", "2.0.0", "1.36.3, and 2.0.0 skips a minor"],
  ])("is refused from %s to %s, with the way", (from, to, reason) => {
    expect(refusedChange(from, to)).toMatch(new RegExp(reason));
  });
});

describe("what a preview says of an update", () => {
  it("is nothing where nothing changes", () => {
    expect(describeChanges(record(), spec())).toEqual([]);
  });

  it("names both versions and the order of an upgrade", () => {
    expect(describeChanges(record({ kubernetes: OLD }), spec())).toEqual([
      `upgrades Kubernetes from ${OLD} to ${NEW} in place: a snapshot of etcd, then the control plane (the API server is away for some seconds), then kubelet and kube-proxy; pods keep running`,
    ]);
    const simulated = record({ kubernetes: "1.36.1", realNode: false, simulatedNodes: 3 });
    expect(describeChanges(simulated, spec())).toEqual([
      `upgrades Kubernetes from 1.36.1 to ${NEW} in place: a snapshot of etcd, then the control plane (the API server is away for some seconds)`,
    ]);
  });

  it("goes on with an interrupted upgrade, or takes it back", () => {
    const halfway = record({ upgrade: { from: OLD, snapshot: "/s.db" } });
    expect(presentVersion(halfway)).toBe(OLD);
    expect(describeChanges(halfway, spec())[0]).toContain(`from ${OLD} to ${NEW}`);
    expect(describeChanges(halfway, spec({ kubernetesVersion: "1.35" }))).toEqual([
      `goes back to Kubernetes ${OLD}: the interrupted upgrade to ${NEW} is undone`,
    ]);
  });

  it("names the simulated nodes that come and go", () => {
    expect(describeChanges(record(), spec({}, { simulated: 2 }))).toEqual([
      "adds 2 simulated nodes: dev-simulated-1, dev-simulated-2",
      "restarts the control plane, since kwok comes or goes with them; pods keep running",
    ]);
    expect(describeChanges(record({ simulatedNodes: 2 }), spec({}, { simulated: 1 }))).toEqual([
      "removes 1 simulated node, after the eviction of its pods: dev-simulated-2",
    ]);
  });
});

describe("the differences of two specs", () => {
  it("are none for labels and taints that are not there and empty", () => {
    const empty = { labels: { real: {}, simulated: {} }, taints: { real: [] } };
    expect(differences(spec(), spec({}, empty))).toEqual({});
  });

  it("are told by path: each label, each list of taints", () => {
    const labels = { real: { "example.com/a": "1", "example.com/b": "1" } };
    const before = spec({ kubernetesVersion: "1.35" }, { labels });
    const after = spec(
      { loadBalancerAddress: "127.0.0.2" },
      {
        simulated: 1,
        labels: { real: { "example.com/b": "2" }, simulated: { c: "3" } },
        taints: { simulated: [] },
      },
    );
    const update = { kind: "update", inputDiff: true };
    expect(differences(before, after)).toEqual({
      kubernetesVersion: update,
      "nodes.simulated": update,
      loadBalancerAddress: update,
      "nodes.taints.simulated": update,
      'nodes.labels.real["example.com/a"]': { kind: "delete", inputDiff: true },
      'nodes.labels.real["example.com/b"]': update,
      'nodes.labels.simulated["c"]': { kind: "add", inputDiff: true },
    });
  });

  it("make another cluster of another name", () => {
    expect(differences(spec(), spec({ name: "other" }))).toEqual({
      clusterName: { kind: "update-replace", inputDiff: true },
    });
  });
});

describe("etcd's data", () => {
  it("lie apart from what kwokctl may delete, and are exchanged with a way back", () => {
    const paths = clusterPaths(temporaryFolder(), "dev");
    const write = (folder: string, text: string): void => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "data"), text);
    };
    write(join(paths.controlPlane, "etcd"), "first");
    write(join(paths.controlPlane, "pki"), "certificates");
    keepDataApart(paths);
    keepDataApart(paths);
    const seen = (): string | undefined => readText(join(paths.controlPlane, "etcd", "data"));
    expect(seen()).toBe("first");
    expect(readText(join(paths.controlPlaneData, "pki", "data"))).toBe("certificates");
    write(join(paths.controlPlaneData, "etcd.restored"), "second");
    const former = exchangeData(paths, join(paths.controlPlaneData, "etcd.restored"));
    expect(seen()).toBe("second");
    former.restore();
    expect(seen()).toBe("first");
  });

  it("are saved under a name that tells version and time", () => {
    const time = new Date("2026-11-21T10:45:00.123Z");
    expect(snapshotName("1.36.3", time)).toBe("kubernetes-1.36.3-20261121T104500Z.db");
  });
});
