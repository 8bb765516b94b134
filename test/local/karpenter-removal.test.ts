import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { LABELS } from "../../infra/local/karpenter/access";
import { reconcileKarpenter } from "../../infra/local/karpenter/lifecycle";
import type { Api } from "../../infra/local/runtime/api";
import { clusterPaths } from "../../infra/local/runtime/paths";
import type { ClusterRecord } from "../../infra/local/runtime/spec";
import { temporaryFolder } from "../toolchain/support";
import { type Answer, serveApi } from "./support/api-server";

const GONE: Answer = [404, { message: "not found" }];
const DONE: Answer = [200, {}];
const KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const CLAIMS = "/apis/karpenter.sh/v1/nodeclaims";

interface Held {
  finalizers: boolean;
  terminating: boolean;
  cordoned?: boolean;
}

/** Nodes, claims, pods and kinds of an API server, with its rules for finalizers. */
class Objects {
  readonly nodes = new Map<string, Held>();
  readonly claims = new Map<string, Held>();
  /** Name and node of each pod. */
  readonly pods = new Map<string, string>();
  kinds: string[] = [];
  /** How often the kinds are still there after their deletion. */
  kindsLinger = 0;
  /** Pods evicted while a node was still open to them. */
  readonly misplaced: string[] = [];
  private kindsDeleted = false;

  answer = (method: string, { pathname, searchParams }: URL, body: unknown): Answer => {
    const [, namespacedPod] = /^\/api\/v1\/namespaces\/default\/pods\/([^/]+)/.exec(pathname) ?? [];
    if (namespacedPod !== undefined) return this.endPod(method, namespacedPod);
    if (pathname === "/api/v1/pods") {
      const node = searchParams.get("fieldSelector")?.replace("spec.nodeName=", "");
      return named([...this.pods].flatMap(([pod, on]) => (on === node ? [pod] : [])));
    }
    if (pathname === KINDS) return this.ofKinds(method, searchParams.get("labelSelector"));
    const [, path, name = ""] = /^(.*\/node(?:claim)?s)\/?([^/]*)$/.exec(pathname) ?? [];
    if (path === undefined) return method === "DELETE" ? DONE : GONE;
    if (path === CLAIMS && this.kinds.length === 0) return GONE;
    const held = path === CLAIMS ? this.claims : this.nodes;
    return name === "" ? named([...held.keys()]) : change(held, name, method, body);
  };

  private endPod(method: string, pod: string): Answer {
    if (!this.pods.has(pod)) return GONE;
    if (method === "POST" && [...this.nodes.values()].some(({ cordoned }) => cordoned !== true)) {
      this.misplaced.push(pod);
    }
    this.pods.delete(pod);
    return DONE;
  }

  private ofKinds(method: string, selector: string | null): Answer {
    expect(selector).toBe(
      `app.kubernetes.io/name=${LABELS["app.kubernetes.io/name"]},app.kubernetes.io/part-of=drydock`,
    );
    if (method === "DELETE") {
      // Their objects go with them, those with finalizers excepted.
      expect([...this.claims.values()].filter(({ finalizers }) => finalizers)).toEqual([]);
      this.claims.clear();
      this.kindsDeleted = true;
      return DONE;
    }
    if (this.kindsDeleted && this.kindsLinger-- <= 0) this.kinds = [];
    return named(this.kinds);
  }
}

const named = (names: readonly string[]): Answer => [
  200,
  { items: names.map((name) => ({ metadata: { name } })) },
];

function change(all: Map<string, Held>, name: string, method: string, body: unknown): Answer {
  const held = all.get(name);
  if (held === undefined) return GONE;
  const { metadata, spec } = (body ?? {}) as {
    metadata?: { finalizers: null };
    spec?: { unschedulable: boolean };
  };
  if (method === "DELETE") held.terminating = true;
  if (metadata?.finalizers === null) held.finalizers = false;
  held.cordoned = spec?.unschedulable ?? held.cordoned ?? false;
  if (held.terminating && !held.finalizers) all.delete(name);
  return DONE;
}

const held = (terminating = false): Held => ({ finalizers: true, terminating });

/** Of a cluster without Karpenter: whether there is a folder of it is the other half of the question. */
async function reconcile(api: Api, files = true) {
  const paths = clusterPaths(temporaryFolder(), "dev");
  const folder = join(paths.root, "karpenter");
  if (files) mkdirSync(folder, { recursive: true });
  const record = { autoscaling: false } as ClusterRecord;
  const told: string[] = [];
  const context = { onProgress: (line: string) => void told.push(line) };
  await reconcileKarpenter(api, { record, tools: {} }, paths, context);
  return { told, folder };
}

describe("Karpenter, switched off,", () => {
  it("goes with its nodes, also one that it is just terminating, and those pods first", async () => {
    const objects = new Objects();
    for (const [node, terminating] of Object.entries({ a: false, b: true, c: false })) {
      objects.nodes.set(node, held(terminating));
      objects.claims.set(node, held(terminating));
      objects.pods.set(`pod-${node}`, node);
    }
    objects.kinds = ["nodeclaims.karpenter.sh", "nodepools.karpenter.sh"];
    objects.kindsLinger = 2;
    const { api, asked } = await serveApi(objects.answer);
    const { told, folder } = await reconcile(api);
    expect(told).toEqual([
      "removing Karpenter",
      ...["a", "b", "c"].map((node) => `evicting 1 pods from ${node}`),
    ]);
    expect(objects.misplaced).toEqual([]);
    const evicted = asked.filter((call) => call.endsWith("/eviction"));
    expect(evicted).toHaveLength(3);
    expect([objects.nodes, objects.claims, objects.pods].map(({ size }) => size)).toEqual([
      0, 0, 0,
    ]);
    // It waits until they are gone, not just until their deletion has begun.
    expect(objects.kinds).toEqual([]);
    expect(asked.at(-1)).toMatch(`GET ${KINDS}`);
    expect(existsSync(folder)).toBe(false);
  });

  it("passes over a node that is gone by then", async () => {
    const objects = new Objects();
    objects.nodes.set("a", held());
    const { api, asked } = await serveApi((method, url, body) => {
      // As somebody's force would.
      if (method === "PATCH") objects.nodes.clear();
      return objects.answer(method, url, body);
    });
    await reconcile(api);
    expect(asked.filter((call) => call.endsWith("/nodes/a"))).toEqual([
      "PATCH /api/v1/nodes/a",
      "DELETE /api/v1/nodes/a",
      "PATCH /api/v1/nodes/a",
    ]);
  });

  it("goes also where a snapshot has brought it back, without files of its own", async () => {
    const objects = new Objects();
    objects.nodes.set("ghost", held());
    objects.kinds = ["nodeclaims.karpenter.sh"];
    const { api } = await serveApi(objects.answer);
    const { told } = await reconcile(api, false);
    expect(told).toEqual(["removing Karpenter"]);
    expect([objects.nodes.size, objects.kinds.length]).toEqual([0, 0]);
  });

  it("leaves alone what somebody else's Karpenter has made", async () => {
    const objects = new Objects();
    objects.nodes.set("theirs", held());
    const { api, asked } = await serveApi(objects.answer);
    expect((await reconcile(api, false)).told).toEqual([]);
    expect(asked).toHaveLength(1);
    expect(objects.nodes.size).toBe(1);
  });
});
