import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { startControlPlane, type ControlPlane } from "../support/control-plane";
import { OtherClient } from "./support/cluster";
import { addNodeByHand, endingPods, onNodeByHand, podReady, reportPods } from "./support/kubelet";
import { createTestStack, type TestStack } from "./support/stack";

const MAP = "/api/v1/namespaces/default/configmaps/held";

interface Resource {
  readonly type: string;
  readonly initErrors?: readonly string[];
}

interface Checkpoint {
  readonly resources?: readonly Resource[];
  readonly pending_operations?: readonly unknown[];
}

describe("Ctrl-C while the real CLI waits", () => {
  let plane: ControlPlane;
  let other: OtherClient;
  let test: TestStack;

  beforeAll(async () => {
    plane = await startControlPlane();
    other = new OtherClient(plane.kubeconfig);
    await addNodeByHand(other);
    test = await createTestStack(inject("binaries"), () => Promise.resolve(program()));
  });

  afterAll(async () => {
    other.close();
    await test.remove();
    await plane.stop();
  });

  function program(): Record<string, unknown> {
    const provider = new kubernetes.Provider("k8s", {
      kubeconfig: pulumi.secret(plane.kubeconfig),
    });
    new kubernetes.core.v1.ConfigMap("held", { metadata: { name: "held" } }, { provider });
    const labels = { app: "web" };
    const containers = [{ name: "web", image: "web:1" }];
    new kubernetes.apps.v1.Deployment(
      "web",
      {
        metadata: { name: "web" },
        spec: {
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { ...onNodeByHand, containers } },
        },
      },
      { provider },
    );
    return {};
  }

  /** Runs until a line says `words`, and then presses Ctrl-C. */
  async function interrupted(
    run: (options: { signal: AbortSignal; onOutput: (text: string) => void }) => Promise<unknown>,
    words: string,
  ): Promise<{ output: string; seconds: number }> {
    const keys = new AbortController();
    let output = "";
    let pressed = 0;
    const onOutput = (text: string): void => {
      output += text;
      if (pressed === 0 && output.includes(words)) {
        pressed = performance.now();
        keys.abort();
      }
    };
    await expect(run({ signal: keys.signal, onOutput })).rejects.toThrow();
    expect(pressed).toBeGreaterThan(0);
    return { output, seconds: (performance.now() - pressed) / 1_000 };
  }

  async function resources(): Promise<readonly Resource[]> {
    const state = (await test.stack.exportStack()).deployment as Checkpoint;
    expect(state.pending_operations ?? []).toEqual([]);
    return state.resources ?? [];
  }

  it("stops at once, keeps the object in state, and leaves no lock", async () => {
    const { output, seconds } = await interrupted(
      (options) => test.stack.up(options),
      "Waiting for app ReplicaSet to be available (0/1 Pods available)",
    );
    // The wait itself would take ten minutes.
    expect(seconds).toBeLessThan(60);
    expect(output).toContain(
      "Deployment default/web was not waited for: cancelled. It stays in state; the next update waits for it",
    );
    const web = (await resources()).find(({ type }) => type === "kubernetes:apps/v1:Deployment");
    expect(web?.initErrors?.[0]).toContain("was not waited for: cancelled");
    expect(await test.locks()).toEqual([]);
  });

  it("waits again in the next run", async () => {
    let output = "";
    const running = test.stack.up({ onOutput: (text) => (output += text) });
    await other.eventually(() =>
      Promise.resolve(output.includes("Waiting for app ReplicaSet") ? true : undefined),
    );
    await reportPods(other, "web", podReady);
    expect((await running).summary.resourceChanges).toMatchObject({ update: 1 });
    expect((await resources()).every(({ initErrors }) => initErrors === undefined)).toBe(true);
  });

  it("stops waiting for a deletion too, which the next run ends", async () => {
    await other.merge(MAP, { metadata: { finalizers: ["example.com/hold"] } });
    const { output, seconds } = await endingPods(
      other,
      "web",
      interrupted(
        (options) => test.stack.destroy(options),
        "Waiting for ConfigMap to be deleted: finalizers not yet done: example.com/hold",
      ),
    );
    // The wait itself would take ten minutes.
    expect(seconds).toBeLessThan(60);
    expect(output).toContain("ConfigMap default/held is being deleted, but was not waited for");
    const types = (await resources()).map(({ type }) => type);
    expect(types).toContain("kubernetes:core/v1:ConfigMap");
    expect(await test.locks()).toEqual([]);

    await other.merge(MAP, { metadata: { finalizers: null } });
    await endingPods(other, "web", test.stack.destroy());
    expect(await resources()).toEqual([]);
  });
});
