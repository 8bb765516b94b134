import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { getPath, listAt, textAt } from "../../toolchain/kubernetes/objects";
import { startControlPlane, type ControlPlane } from "../support/control-plane";
import { OtherClient } from "./support/cluster";
import { createTestStack, type TestStack } from "./support/stack";

const CANARY = "canary-9f8e7d6c5b4a";
const DEPLOYMENTS = "/apis/apps/v1/namespaces";

/** What the tests change between two runs of the program. */
interface Wishes {
  replicas: number;
  page: string;
  image: string;
  byHand: boolean;
  adopt: boolean;
  destroyed: boolean;
}

describe("the real CLI with this provider", () => {
  const wishes: Wishes = {
    replicas: 2,
    page: "one",
    image: "web:1",
    byHand: false,
    adopt: false,
    destroyed: false,
  };
  let plane: ControlPlane;
  let other: OtherClient;
  let test: TestStack;
  let output: string[] = [];
  const onOutput = (text: string) => output.push(text);

  beforeAll(async () => {
    plane = await startControlPlane();
    other = new OtherClient(plane.kubeconfig);
    test = await createTestStack(inject("binaries"), () => Promise.resolve(program()));
  });

  afterAll(async () => {
    other.close();
    await test.remove();
    await plane.stop();
  });

  function program(): Record<string, unknown> {
    const kubeconfig = pulumi.secret(plane.kubeconfig);
    const first = new kubernetes.Provider("first", { kubeconfig });
    const identity = new kubernetes.core.v1.ConfigMap("identity", {}, { provider: first });
    // Known only once an object exists: the case of a cluster made in the same run.
    const provider = new kubernetes.Provider("later", {
      kubeconfig: pulumi.all([identity.metadata.uid, kubeconfig]).apply(([, content]) => content),
    });
    return workload({ provider });
  }

  function workload(options: pulumi.CustomResourceOptions): Record<string, unknown> {
    const space = new kubernetes.core.v1.Namespace("space", {}, options);
    const namespace = space.metadata.name;
    const metadata = { namespace };
    const page = new kubernetes.core.v1.ConfigMap(
      "page",
      { metadata, data: { page: wishes.page } },
      options,
    );
    const secret = new kubernetes.core.v1.Secret(
      "key",
      { metadata, stringData: { password: CANARY } },
      options,
    );
    const labels = { app: "web" };
    const container = {
      name: "web",
      image: wishes.image,
      envFrom: [{ configMapRef: { name: page.metadata.name } }],
      env: [{ name: "COPY", value: pulumi.secret(CANARY) }],
    };
    const onlyByHand = { nodeSelector: { hand: "yes" }, tolerations: [{ operator: "Exists" }] };
    const web = new kubernetes.apps.v1.Deployment(
      "web",
      {
        metadata: {
          ...metadata,
          name: "web",
          annotations: { "pulumi.com/patchForce": "true" },
        },
        spec: {
          replicas: wishes.replicas,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: { containers: [container], ...(wishes.byHand ? onlyByHand : {}) },
          },
        },
      },
      { ...options, customTimeouts: { update: "6s" } },
    );
    new kubernetes.core.v1.Service(
      "web",
      { metadata, spec: { selector: labels, ports: [{ port: 80 }] } },
      options,
    );
    if (wishes.adopt) {
      const team = { metadata: { name: "team", namespace: "default" }, data: { a: "1" } };
      new kubernetes.core.v1.ConfigMap("team", team, { ...options, import: "default/team" });
    }
    return {
      namespace,
      password: secret.data,
      available: web.status.availableReplicas,
    };
  }

  async function up(): Promise<Record<string, number | undefined>> {
    const { summary } = await test.stack.up({ onOutput });
    return summary.resourceChanges ?? {};
  }

  async function namespaceName(): Promise<string> {
    return String((await test.outputs()).namespace?.value);
  }

  it("previews although the kubeconfig is not known yet", async () => {
    const { changeSummary, stdout } = await test.stack.preview({ onOutput });
    expect(changeSummary).toEqual({ create: 9 });
    expect(stdout).not.toContain("error");
  });

  it("creates, waits, and keeps secrets out of state and output", async () => {
    expect(await up()).toEqual({ create: 9 });
    const outputs = await test.outputs();
    expect(outputs.namespace?.value).toMatch(/^space-[0-9a-f]{8}$/);
    expect(outputs.available?.value).toBe(2);
    expect(outputs.password?.secret).toBe(true);
    const stored = await test.stored();
    expect(stored).toContain("pulumi.com/autonamed");
    for (const text of [stored, output.join("")]) {
      expect(text).not.toContain(CANARY);
      expect(text).not.toContain(Buffer.from(CANARY).toString("base64"));
      expect(text).not.toContain("client-key-data");
    }
    expect(output.join("")).toContain("Deployment initialization complete");
  });

  it("sees no change where there is none", async () => {
    const { changeSummary } = await test.stack.preview({ expectNoChanges: true });
    expect(changeSummary).toEqual({ same: 9 });
  });

  it("updates in place, and replaces what cannot be", async () => {
    wishes.replicas = 3;
    expect(await up()).toMatchObject({ update: 1, same: 8 });
    wishes.page = "two";
    output = [];
    const { changeSummary } = await test.stack.preview({ diff: true, onOutput });
    expect(changeSummary).toMatchObject({ replace: 1, update: 1 });
    expect(await up()).toMatchObject({ replace: 1, update: 1 });
    const space = await namespaceName();
    const list = await other.get(`/api/v1/namespaces/${space}/configmaps`);
    const names = listAt(list, "items").map((item) => textAt(item, "metadata", "name"));
    expect(names.filter((name) => name.startsWith("page-"))).toHaveLength(1);
  });

  it("finds a drift by refresh and repairs it", async () => {
    const path = `${DEPLOYMENTS}/${await namespaceName()}/deployments/web`;
    await other.merge(path, { metadata: { labels: { extra: "1" } }, spec: { replicas: 1 } });
    const refreshed = await test.stack.refresh();
    expect(refreshed.summary.resourceChanges).toMatchObject({ update: 1 });
    expect(await up()).toEqual({ update: 1, same: 8 });
    const live = await other.get(path);
    expect(getPath(live, "spec", "replicas")).toBe(3);
    expect(textAt(live, "metadata", "labels", "extra")).toBe("1");
  });

  it("imports an object of somebody else", async () => {
    const team = { metadata: { name: "team" }, data: { a: "1" } };
    await other.post("/api/v1/namespaces/default/configmaps", team);
    wishes.adopt = true;
    expect(await up()).toMatchObject({ import: 1, same: 9 });
    await test.stack.preview({ expectNoChanges: true });
  });

  it("fails an update within its timeout with the reason, and recovers by the next", async () => {
    await other.post("/api/v1/nodes", {
      metadata: { name: "by-hand", labels: { hand: "yes" } },
      spec: { taints: [{ key: "hand", value: "yes", effect: "NoSchedule" }] },
    });
    wishes.image = "web:missing";
    wishes.byHand = true;
    const before = Date.now();
    const failure = await up().then(
      () => "",
      (error: unknown) => String(error),
    );
    // Without its own limit it would be ten minutes.
    expect(Date.now() - before).toBeLessThan(120_000);
    expect(failure).toContain("is not ready after 6 s");
    expect(failure).toContain("cannot be scheduled");
    wishes.image = "web:2";
    wishes.byHand = false;
    expect(await up()).toMatchObject({ update: 1 });
  });

  it("destroys everything it made", async () => {
    const space = await namespaceName();
    await test.stack.destroy();
    await expect(other.get(`/api/v1/namespaces/${space}`)).rejects.toThrow(/404/);
    await expect(other.get("/api/v1/namespaces/default/configmaps/team")).rejects.toThrow(/404/);
  });
});
