import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { listAt } from "../../toolchain/kubernetes/objects";
import { startControlPlane, type ControlPlane } from "../support/control-plane";
import { OtherClient } from "./support/cluster";
import { openGate, type Gate } from "./support/gate";
import { createTestStack, type TestStack } from "./support/stack";

const COUNT = 20;

describe("the API server goes away", () => {
  let plane: ControlPlane;
  let gate: Gate;
  let other: OtherClient;
  let test: TestStack;
  let value = "1";
  let settings: kubernetes.ProviderArgs = {};

  beforeAll(async () => {
    plane = await startControlPlane();
    gate = await openGate(plane.kubeconfig, plane.server);
    other = new OtherClient(plane.kubeconfig);
    test = await createTestStack(inject("binaries"), () => {
      const kubeconfig = pulumi.secret(gate.kubeconfig);
      const provider = new kubernetes.Provider("k8s", { kubeconfig, ...settings });
      for (let index = 0; index < COUNT; index++) {
        const annotations = { "pulumi.com/timeoutSeconds": "20" };
        const metadata = { name: `map-${String(index)}`, labels: { value }, annotations };
        new kubernetes.core.v1.ConfigMap(`map-${String(index)}`, { metadata }, { provider });
      }
      return Promise.resolve({});
    });
    await test.stack.up();
  });

  afterAll(async () => {
    other.close();
    await gate.remove();
    await test.remove();
    await plane.stop();
  });

  async function values(): Promise<number> {
    const labelSelector = encodeURIComponent(`value=${value}`);
    const list = await other.get(
      `/api/v1/namespaces/default/configmaps?labelSelector=${labelSelector}`,
    );
    return listAt(list, "items").length;
  }

  it("in the middle of an update: what runs waits and goes on when it is back", async () => {
    value = "2";
    // Slowly, so that there is still something to do when the first news of it is here.
    settings = { kubeClientSettings: { qps: 3, burst: 1 } };
    let away = false;
    const output: string[] = [];
    await test.stack.up({
      onOutput: (text) => output.push(text),
      onEvent: ({ resOutputsEvent }) => {
        if (!away && resOutputsEvent?.metadata.op === "update") {
          away = true;
          void gate.close().then(() => setTimeout(() => void gate.open(), 3_000));
        }
      },
    });
    settings = {};
    await test.stack.up();
    expect(away).toBe(true);
    expect(await values()).toBe(COUNT);
    expect(output.join("")).toContain("Trying again: the Kubernetes API server");
  });

  it("before a preview: it is made without the server, with one warning", async () => {
    await gate.close();
    value = "3";
    const started = Date.now();
    let warnings = 0;
    const { changeSummary } = await test.stack.preview({
      onEvent: ({ diagnosticEvent }) => {
        warnings += diagnosticEvent?.message.includes("is made without it") === true ? 1 : 0;
      },
    });
    await gate.open();
    expect(changeSummary).toMatchObject({ update: COUNT });
    expect(warnings).toBe(1);
    expect(Date.now() - started).toBeLessThan(90_000);
  });

  it("and stays away: the update fails with one sentence an object, and the next completes", async () => {
    await gate.close();
    const failure = await test.stack.up().then(
      () => "",
      (error: unknown) => String(error),
    );
    await gate.open();
    expect(failure).toMatch(/the Kubernetes API server \S+ cannot be reached: connection refused/);
    expect(failure).not.toContain("at Connection");
    await test.stack.up();
    expect(await values()).toBe(COUNT);
  });

  it("with skipUpdateUnreachable: a refresh leaves state as it is", async () => {
    settings = { skipUpdateUnreachable: true };
    await test.stack.up();
    await gate.close();
    const { summary, stdout } = await test.stack.refresh();
    await gate.open();
    expect(summary.resourceChanges).toEqual({ same: COUNT + 2 });
    expect(stdout).toContain("Its objects are left in state as they are");
  });

  it("with deleteUnreachable: a refresh forgets the objects, the cluster keeps them", async () => {
    settings = { deleteUnreachable: true };
    await test.stack.up();
    await gate.close();
    const { summary, stdout } = await test.stack.refresh();
    await gate.open();
    expect(summary.resourceChanges).toMatchObject({ delete: COUNT });
    expect(stdout).toContain("Taken as deleted");
    expect(await values()).toBe(COUNT);
  });
});
