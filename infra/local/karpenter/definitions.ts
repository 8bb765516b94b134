import { setTimeout as sleep } from "node:timers/promises";

import { type Api, type KubernetesObject, namesIn } from "../runtime/api";
import type { Tools } from "../runtime/control-plane";
import { LocalClusterError } from "../runtime/errors";
import { run } from "../runtime/process";
import { type Addressed, LABELS, SELECTOR } from "./access";

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const ESTABLISHED_MS = 30_000;
const GONE_MS = 30_000;
const LOOK_EVERY_MS = 100;

interface Definition extends KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: object;
  readonly status?: { readonly conditions?: readonly { type: string; status: string }[] };
}

/** The kinds of NodePool, NodeClaim and so on, as the program itself has them. */
export async function kindDefinitions(tools: Tools, signal?: AbortSignal): Promise<Addressed[]> {
  const command = { file: tools.karpenter ?? "karpenter", args: ["crds"] };
  const text = await run("asking Karpenter for its kinds", command, signal);
  return parseDefinitions(text);
}

/** @param text one JSON document a line */
export function parseDefinitions(text: string): Addressed[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      // Its status is the server's to say.
      const { apiVersion, kind, metadata, spec } = JSON.parse(line) as Definition;
      const object = { apiVersion, kind, metadata: { ...metadata, labels: LABELS }, spec };
      return { path: `${DEFINITIONS}/${metadata.name}`, object };
    });
}

/** Until the API server serves them. */
export async function waitForDefinitions(
  api: Api,
  definitions: readonly Addressed[],
  signal?: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + ESTABLISHED_MS;
  for (const { path } of definitions) {
    for (;;) {
      const { status, metadata } = await api.call<Definition>("GET", path);
      const established = status?.conditions?.some(
        (condition) => condition.type === "Established" && condition.status === "True",
      );
      if (established === true) break;
      if (Date.now() > deadline) {
        throw new LocalClusterError(`the kind ${metadata.name} does not get established`);
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    }
  }
}

/** Names of its kinds that the cluster has: those of a Karpenter that somebody else runs do not count. */
export function presentDefinitions(api: Api): Promise<string[]> {
  return namesIn(api, `${DEFINITIONS}?${SELECTOR}`);
}

/** With all objects of theirs, and until they are gone: nothing can be made of a kind that is just going. */
export async function deleteDefinitions(api: Api, signal?: AbortSignal): Promise<void> {
  await api.call("DELETE", `${DEFINITIONS}?${SELECTOR}`);
  const deadline = Date.now() + GONE_MS;
  for (;;) {
    const left = await presentDefinitions(api);
    if (left.length === 0) return;
    if (Date.now() > deadline) {
      throw new LocalClusterError(`Karpenter's kinds do not go: ${left.join(", ")}`, {
        why: `they are still there ${String(GONE_MS / 1000)} s after their deletion: objects of theirs have finalizers`,
        fix: "take the finalizers off these objects (kubectl edit), and run npm start again",
      });
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}
