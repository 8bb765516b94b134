import { describe, expect, it } from "vitest";

import { nodeDaemons } from "../../infra/local/runtime/node";
import { clusterPaths } from "../../infra/local/runtime/paths";
import type { ClusterRecord } from "../../infra/local/runtime/spec";

/** With its terminating zero a Unix socket's path takes 108 bytes at most. */
const SOCKET_PATH_LIMIT = 107;

describe("sockets of a cluster with the longest name, in a project of a deep folder", () => {
  const name = "a".repeat(32);
  const paths = clusterPaths(`/${"folder/".repeat(22)}`, name);
  const record = {
    spec: { name, nodes: {} },
    realNode: true,
    network: { kind: "namespace", namespace: `drydock-${name}`, address: "10.213.0.2" },
  } as ClusterRecord;

  it("have paths that the kernel takes", () => {
    const { kubelet } = nodeDaemons(record, paths, {});
    const flag = kubelet.command.args.find((arg) => arg.startsWith("--root-dir=")) ?? "";
    const folder = flag.replace("--root-dir=", "");
    expect(folder).toMatch(/^\//);
    for (const socket of [
      paths.containerdSocket,
      `${paths.containerdSocket}.ttrpc`,
      `${folder}/device-plugins/kubelet.sock`,
      `${folder}/pod-resources/1234567890`,
      `${folder}/plugins/csi.example.com-with-a-long-name/csi.sock`,
    ]) {
      expect(socket.length).toBeLessThanOrEqual(SOCKET_PATH_LIMIT);
    }
  });
});
