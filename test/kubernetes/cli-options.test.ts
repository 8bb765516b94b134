import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { EngineEvent } from "@pulumi/pulumi/automation";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { getPath, textAt } from "../../toolchain/kubernetes/objects";
import { startControlPlane, type ControlPlane } from "../support/control-plane";
import { OtherClient } from "./support/cluster";
import { createTestStack, type TestStack } from "./support/stack";

const CANARY = "canary-c0ffee123456";
/** The key that a secret value has in an exported state. */
const SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d";
const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const { ConfigMap, Namespace } = kubernetes.core.v1;

type Options = pulumi.CustomResourceOptions;
/** Declares resources; gives the last of them, or the stack's outputs. */
type Program = (options: Options) => pulumi.Resource | Record<string, unknown> | undefined;

describe("resource options through the real CLI", () => {
  let plane: ControlPlane;
  let other: OtherClient;
  let test: TestStack;
  /** What the program declares in this run. */
  let declare: Program = () => undefined;
  let steps: string[] = [];

  beforeAll(async () => {
    plane = await startControlPlane();
    other = new OtherClient(plane.kubeconfig);
    test = await createTestStack(inject("binaries"), () => {
      const kubeconfig = pulumi.secret(plane.kubeconfig);
      const provider = new kubernetes.Provider("k8s", { kubeconfig });
      const declared = declare({ provider });
      return Promise.resolve(pulumi.Resource.isInstance(declared) ? {} : declared);
    });
  });

  afterAll(async () => {
    other.close();
    await test.remove();
    await plane.stop();
  });

  /** Runs `up` with this program; counts what changed, leaving the unchanged aside. */
  async function up(program: Program): Promise<Record<string, number | undefined>> {
    declare = program;
    steps = [];
    const { summary } = await test.stack.up({ onEvent: remember });
    const changes = Object.entries(summary.resourceChanges ?? {});
    return Object.fromEntries(changes.filter(([op]) => op !== "same"));
  }

  /** The finished steps in their order, such as `create-replacement one`. */
  function remember({ resOutputsEvent }: EngineEvent): void {
    if (resOutputsEvent !== undefined) {
      const { op, urn } = resOutputsEvent.metadata;
      steps.push(`${op} ${urn.split("::").at(-1) ?? ""}`);
    }
  }

  const failureOf = (action: Promise<unknown>): Promise<string> =>
    action.then(
      () => "no failure",
      (error: unknown) => String(error),
    );
  const none = () => undefined;

  it("aliases: another name or parent is no replacement", async () => {
    const data = { a: "1" };
    const named = { metadata: { name: "renamed" }, data };
    await up((options) => new ConfigMap("old-name", named, options));
    const uid = textAt(await other.get(`${CONFIG_MAPS}/renamed`), "metadata", "uid");
    const parented = (options: Options) => {
      const parent = new pulumi.ComponentResource("test:index:Group", "group");
      const aliases = [{ name: "old-name", parent: pulumi.rootStackResource }];
      new ConfigMap("new-name", named, { ...options, parent, aliases });
      return undefined;
    };
    expect(await up(parented)).toEqual({ create: 1 });
    expect(textAt(await other.get(`${CONFIG_MAPS}/renamed`), "metadata", "uid")).toBe(uid);
  });

  it("aliases: a kind that moves to another version or group keeps its object", async () => {
    const path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/scaler";
    const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "none" };
    const spec = { maxReplicas: 3, scaleTargetRef };
    const metadata = { name: "scaler", annotations: { "pulumi.com/skipAwait": "true" } };
    const { v1, v2 } = kubernetes.autoscaling;
    await up((options) => new v1.HorizontalPodAutoscaler("a", { metadata, spec }, options));
    const uid = textAt(await other.get(path), "metadata", "uid");
    const moved = (options: Options) =>
      new v2.HorizontalPodAutoscaler("a", { metadata, spec }, options);
    expect(await up(moved)).toMatchObject({ update: 1 });
    expect(steps).toContain("update a");
    expect(textAt(await other.get(path), "metadata", "uid")).toBe(uid);

    // A version that no server has any more, as an old stack's state names it.
    const ingress = (options: Options) =>
      new kubernetes.networking.v1.Ingress(
        "site",
        {
          metadata: { name: "site", annotations: { "pulumi.com/skipAwait": "true" } },
          spec: { defaultBackend: { service: { name: "none", port: { number: 80 } } } },
        },
        options,
      );
    await up(ingress);
    const exported = JSON.stringify(await test.stack.exportStack());
    const old = exported.replaceAll("networking.k8s.io/v1", "extensions/v1beta1");
    await test.stack.importStack(JSON.parse(old) as pulumi.automation.Deployment);
    expect(await up(ingress)).toEqual({ update: 1 });
    expect(await up(ingress)).toEqual({});
  });

  it("ignoreChanges: a change of the program or of somebody else is left alone", async () => {
    const path = `${CONFIG_MAPS}/ignoring`;
    const labelled = (team: string, more: object) => (options: Options) => {
      const metadata = { name: "ignoring", labels: { team, ...more } };
      const ignoreChanges = ['metadata.labels["team"]'];
      new ConfigMap("ignoring", { metadata }, { ...options, ignoreChanges });
      return undefined;
    };
    await up(labelled("one", {}));
    expect(await up(labelled("two", {}))).toEqual({});
    await other.merge(path, { metadata: { labels: { team: "by-hand" } } });
    expect(await up(labelled("two", { more: "yes" }))).toEqual({ update: 1 });
    expect(getPath(await other.get(path), "metadata", "labels")).toEqual({
      team: "by-hand",
      more: "yes",
    });
  });

  it("replaceOnChanges: a change in place becomes a replacement", async () => {
    const labelled = (team: string) => (options: Options) => {
      const metadata = { labels: { team } };
      const replaceOnChanges = ["metadata.labels"];
      new ConfigMap("replaced", { metadata }, { ...options, replaceOnChanges });
      return undefined;
    };
    await up(labelled("one"));
    expect(await up(labelled("two"))).toEqual({ replace: 1 });
  });

  it("deleteBeforeReplace: automatic names allow both orders, fixed names only one", async () => {
    const declared = (value: string, deleteBeforeReplace: boolean) => (options: Options) => {
      const data = { value };
      new ConfigMap("auto", { data }, { ...options, deleteBeforeReplace });
      new ConfigMap("fixed", { metadata: { name: "fixed" }, data }, options);
      return undefined;
    };
    const order = (name: string) =>
      steps.filter((step) => step.endsWith(` ${name}`) && /create|delete/.test(step));
    await up(declared("one", false));
    await up(declared("two", false));
    expect(order("auto")).toEqual(["create-replacement auto", "delete-replaced auto"]);
    expect(order("fixed")).toEqual(["delete-replaced fixed", "create-replacement fixed"]);
    await up(declared("three", true));
    expect(order("auto")).toEqual(["delete-replaced auto", "create-replacement auto"]);
  });

  it("another name or namespace in metadata is a replacement", async () => {
    const placed = (name: string, namespace: string) => (options: Options) =>
      new ConfigMap("placed", { metadata: { name, namespace } }, options);
    await up(placed("one", "default"));
    expect(await up(placed("two", "default"))).toEqual({ replace: 1 });
    expect(await up(placed("two", "kube-public"))).toEqual({ replace: 1 });
    await expect(other.get(`${CONFIG_MAPS}/two`)).rejects.toThrow(/404/);
    const moved = await other.get("/api/v1/namespaces/kube-public/configmaps/two");
    expect(textAt(moved, "kind")).toBe("ConfigMap");
  });

  it("retainOnDelete: the object outlives its resource", async () => {
    const kept = (options: Options) =>
      new ConfigMap("kept", { metadata: { name: "kept" } }, { ...options, retainOnDelete: true });
    await up(kept);
    expect(await up(none)).toMatchObject({ delete: 1 });
    expect(textAt(await other.get(`${CONFIG_MAPS}/kept`), "metadata", "name")).toBe("kept");
    await other.delete(`${CONFIG_MAPS}/kept`);
  });

  it("protect: neither a program without it nor destroy deletes the object", async () => {
    const guarded = (protect: boolean) => (options: Options) =>
      new ConfigMap("guarded", { metadata: { name: "guarded" } }, { ...options, protect });
    await up(guarded(true));
    expect(await failureOf(up(none))).toContain("protect");
    expect(await failureOf(test.stack.destroy())).toContain("protect");
    expect(textAt(await other.get(`${CONFIG_MAPS}/guarded`), "metadata", "name")).toBe("guarded");
    await up(guarded(false));
    expect(await up(none)).toMatchObject({ delete: 1 });
  });

  it("deletedWith: what goes with its namespace is not deleted by itself", async () => {
    await up((options) => {
      const space = new Namespace("space", { metadata: { name: "doomed" } }, options);
      const finalizers = ["example.com/never"];
      const metadata = { name: "inside", namespace: space.metadata.name, finalizers };
      new ConfigMap("inside", { metadata }, { ...options, deletedWith: space });
      new ConfigMap("beside", { metadata: { namespace: space.metadata.name } }, options);
      return undefined;
    });
    // A delete of its own would wait for this finalizer for ten minutes.
    const path = "/api/v1/namespaces/doomed/configmaps/inside";
    const cleared = other.eventually(async () => {
      const live = await other.get(path);
      return textAt(live, "metadata", "deletionTimestamp") === "" ? undefined : live;
    });
    const destroyed = up(none);
    await cleared;
    await other.merge(path, { metadata: { finalizers: null } });
    await destroyed;
    expect(steps).toContain("delete inside");
    await expect(other.get("/api/v1/namespaces/doomed")).rejects.toThrow(/404/);
  });

  it("import: the command takes an object in, writes no program text, and says so", async () => {
    const team = { metadata: { name: "adopted" }, data: { a: "1" } };
    await other.post(CONFIG_MAPS, team);
    const provider = (await resources()).find(({ type }) => type === "pulumi:providers:kubernetes");
    const adopt = () =>
      test.stack.import({
        resources: [
          {
            type: "kubernetes:core/v1:ConfigMap",
            name: "adopted",
            id: "default/adopted",
            provider: "k8s",
          },
        ],
        nameTable: { k8s: provider?.urn ?? "" },
        protect: false,
        generateCode: true,
      });
    const failure = await failureOf(adopt());
    expect(failure).toContain("pulumi import --generate-code=false");
    // The import itself is done by then; only the program text is missing.
    expect((await resources()).map(({ urn }) => urn.split("::").at(-1))).toContain("adopted");
    const adopted = (a: string) => (options: Options) =>
      new ConfigMap("adopted", { metadata: { name: "adopted" }, data: { a } }, options);
    expect(await up(adopted("1"))).not.toHaveProperty("replace");
    expect(await up(adopted("1"))).toEqual({});
  });

  it("additionalSecretOutputs: what they name is secret in state", async () => {
    await up((options) => {
      const map = new ConfigMap(
        "quiet",
        { metadata: { name: "quiet" }, data: { password: CANARY } },
        { ...options, additionalSecretOutputs: ["data"] },
      );
      return { data: map.data };
    });
    const { data } = await test.outputs();
    expect(data).toMatchObject({ secret: true, value: { password: CANARY } });
    const quiet = (await resources()).find(({ urn }) => urn.endsWith("::quiet"));
    expect(quiet?.outputs?.data).toHaveProperty(SECRET_SIGNATURE);
    expect(await test.stored()).toContain('"additionalSecretOutputs"');
  });

  async function resources(): Promise<Resource[]> {
    const exported = (await test.stack.exportStack()) as { deployment: { resources: Resource[] } };
    return exported.deployment.resources;
  }
});

interface Resource {
  readonly urn: string;
  readonly type: string;
  readonly outputs?: Record<string, unknown>;
}
