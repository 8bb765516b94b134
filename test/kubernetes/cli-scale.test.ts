import { readdir, readFile } from "node:fs/promises";

import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { listAt } from "../../toolchain/kubernetes/objects";
import { report } from "../integration/support/report";
import { startControlPlane, type ControlPlane } from "../support/control-plane";
import { OtherClient } from "./support/cluster";
import { createTestStack, type TestStack } from "./support/stack";

const COUNT = 1_000;
const MAX_MEMORY_MB = 600;

describe("a stack of 1,000 objects", () => {
  let plane: ControlPlane;
  let other: OtherClient;
  let test: TestStack;
  let value = "one";
  let peakMegabytes = 0;
  let watch: NodeJS.Timeout;

  beforeAll(async () => {
    plane = await startControlPlane();
    other = new OtherClient(plane.kubeconfig);
    test = await createTestStack(inject("binaries"), () => {
      const kubeconfig = pulumi.secret(plane.kubeconfig);
      const kubeClientSettings = { qps: 500, burst: 1_000 };
      const provider = new kubernetes.Provider("k8s", { kubeconfig, kubeClientSettings });
      const space = new kubernetes.core.v1.Namespace("many", {}, { provider });
      for (let index = 0; index < COUNT; index++) {
        const metadata = { namespace: space.metadata.name, labels: { value } };
        const data = { index: String(index) };
        new kubernetes.core.v1.ConfigMap(`map-${String(index)}`, { metadata, data }, { provider });
      }
      return Promise.resolve({ namespace: space.metadata.name });
    });
    // What a run of this size takes: the state file is written once, at the end.
    test.stack.workspace.envVars = {
      ...test.stack.workspace.envVars,
      PULUMI_SKIP_CHECKPOINTS: "true",
    };
    watch = setInterval(() => {
      void pluginMegabytes(test.folder).then((size) => {
        peakMegabytes = Math.max(peakMegabytes, size);
      });
    }, 250);
  });

  afterAll(async () => {
    clearInterval(watch);
    other.close();
    await test.remove();
    await plane.stop();
  });

  /** The summary of a run, and a line of how long it took. */
  async function timed<T>(name: string, run: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await run();
    const seconds = ((performance.now() - started) / 1_000).toFixed(1);
    report(`${name} of ${String(COUNT)} objects: ${seconds} s`);
    return result;
  }

  it("is created, previewed, updated and deleted within the limits of client and server", async () => {
    const { summary } = await timed("create", () => test.stack.up());
    expect(summary.resourceChanges).toEqual({ create: COUNT + 3 });
    const { namespace } = await test.outputs();
    const collection = `/api/v1/namespaces/${String(namespace?.value)}/configmaps`;
    const { changeSummary } = await timed("preview without a change", () => test.stack.preview());
    expect(changeSummary).toEqual({ same: COUNT + 3 });
    value = "two";
    const updated = await timed("update", () => test.stack.up());
    expect(updated.summary.resourceChanges).toEqual({ update: COUNT, same: 3 });
    const list = await other.get(`${collection}?labelSelector=value%3Dtwo`);
    expect(listAt(list, "items")).toHaveLength(COUNT);
    const refreshed = await timed("refresh", () => test.stack.refresh());
    expect(refreshed.summary.resourceChanges).toEqual({ same: COUNT + 3 });
    const destroyed = await timed("delete", () => test.stack.destroy());
    expect(destroyed.summary.resourceChanges).toEqual({ delete: COUNT + 3 });
    report(`memory of the plugin at most: ${peakMegabytes.toFixed(0)} MB`);
    expect(peakMegabytes).toBeGreaterThan(0);
    expect(peakMegabytes).toBeLessThan(MAX_MEMORY_MB);
  }, 600_000);
});

/** Resident size of the largest plugin process that runs out of this folder; 0 when none does. */
async function pluginMegabytes(folder: string): Promise<number> {
  const sizes = (await readdir("/proc"))
    .filter((entry) => /^\d+$/.test(entry))
    .map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, "utf8");
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
      return command.includes(`${folder}/home/plugins/`) ? kilobytes / 1_024 : 0;
    });
  const settled = await Promise.allSettled(sizes);
  return Math.max(0, ...settled.map((size) => (size.status === "fulfilled" ? size.value : 0)));
}
