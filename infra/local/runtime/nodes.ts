import { setTimeout as sleep } from "node:timers/promises";

import { type Api, ApiError, type KubernetesObject } from "./api";
import { LocalClusterError } from "./errors";
import { removeSimulatedNodes } from "./drain";
import { PROXY_HEALTH_PORT } from "./node";
import { waitUntilHealthy } from "./readiness";
import { applySettings, recordOf, settingsOf } from "./node-settings";
import {
  type ClusterRecord,
  POD_CIDR,
  providerId,
  realNodeName,
  SIMULATED_NODE,
  simulatedNodeName,
} from "./spec";

interface Node extends KubernetesObject {
  readonly spec?: { readonly podCIDR?: string };
  readonly status?: {
    readonly nodeInfo?: { readonly kubeletVersion: string };
    readonly conditions?: readonly { type: string; status: string; message?: string }[];
  };
}

const NODES = "/api/v1/nodes";
const WAIT_MS = 60_000;
const LOOK_EVERY_MS = 100;

/**
 * Makes the real node's object where it is the first one, with its range of pod addresses: else the
 * node could not be ready before the controller manager has come up and given it one. Its kubelet
 * finds it and fills it in.
 */
export async function registerFirstNode(
  api: Api,
  record: ClusterRecord,
  signal?: AbortSignal,
): Promise<void> {
  const { items } = await whenStarted(() => api.call<{ items: Node[] }>("GET", NODES), signal);
  if (items.length > 0) return;
  await whenStarted(() => api.call("POST", NODES, realNode(record)), signal);
}

/** The controller manager gives each node a range of this size; the first one is the first node's. */
const FIRST_POD_RANGE = POD_CIDR.replace(/\/\d+$/, "/24");

function realNode(record: ClusterRecord): object {
  const name = realNodeName(record.spec.name);
  const settings = settingsOf(record, "real");
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, annotations: recordOf(settings), labels: settings.labels },
    spec: {
      providerID: providerId(record.spec.name, name),
      podCIDR: FIRST_POD_RANGE,
      podCIDRs: [FIRST_POD_RANGE],
      taints: settings.taints,
    },
  };
}

/** Until the controller manager has given the real node its range of pod addresses. */
export async function waitForPodCidr(
  api: Api,
  name: string,
  signal?: AbortSignal,
): Promise<string> {
  const node = await waitForNode(
    api,
    name,
    "has no pod address range",
    (it) => it.spec?.podCIDR !== undefined,
    signal,
  );
  return node.spec?.podCIDR ?? "";
}

export async function waitForReady(api: Api, name: string, signal?: AbortSignal): Promise<void> {
  const ready = (node: Node): boolean =>
    (node.status?.conditions ?? []).some((item) => item.type === "Ready" && item.status === "True");
  await waitForNode(api, name, "is not ready", ready, signal);
}

async function waitForNode(
  api: Api,
  name: string,
  what: string,
  done: (node: Node) => boolean,
  signal?: AbortSignal,
): Promise<Node> {
  const deadline = Date.now() + WAIT_MS;
  let last = "it has not registered with the API server";
  while (Date.now() < deadline) {
    const node = await find(api, name);
    if (node !== undefined && done(node)) {
      return node;
    }
    const condition = node?.status?.conditions?.find((item) => item.type === "Ready");
    last = condition?.message ?? last;
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
  const fix = "see the logs in .drydock/clusters/<name>/logs (kubelet.log, containerd.log)";
  throw new LocalClusterError(`node ${name} ${what} after ${String(WAIT_MS / 1000)} s`, {
    why: last,
    fix,
  });
}

/** Until the kubelet that was started has told its version: the node was ready before too. */
export async function waitForVersion(
  api: Api,
  { spec: { name }, kubernetes }: ClusterRecord,
  signal?: AbortSignal,
): Promise<void> {
  // A kubelet of PATH may be of another patch.
  const minor = `v${kubernetes.replace(/\d+$/, "")}`;
  const runs = ({ status }: Node): boolean =>
    status?.nodeInfo?.kubeletVersion.startsWith(minor) === true;
  await waitForNode(api, realNodeName(name), `does not run ${minor}x`, runs, signal);
}

/** Until kube-proxy has written the rules of all Services. */
export async function waitForProxy(record: ClusterRecord, signal?: AbortSignal): Promise<void> {
  const url = `http://${record.network.address}:${String(PROXY_HEALTH_PORT)}/healthz`;
  const hints = { fix: "see kube-proxy.log in .drydock/clusters/<name>/logs" };
  await waitUntilHealthy({ name: "kube-proxy", url, withinMs: WAIT_MS, hints }, signal);
}

/**
 * Makes the simulated nodes that are missing, removes those that are too many, and gives every node its
 * labels and taints.
 */
export async function reconcileNodes(
  api: Api,
  record: ClusterRecord,
  onProgress: (line: string) => void,
): Promise<void> {
  await removeSurplusNodes(api, record, onProgress);
  const { name } = record.spec;
  const present = new Set(await simulatedNodes(api));
  for (let index = 0; index < record.simulatedNodes; index += 1) {
    const node = simulatedNodeName(name, index);
    if (present.has(node)) {
      await applySettings(api, node, settingsOf(record, "simulated", index));
    } else {
      await api.call("POST", NODES, simulatedNode(record, index));
    }
  }
  if (record.realNode) {
    await applySettings(api, realNodeName(name), settingsOf(record, "real"));
  }
}

/** Removes the simulated nodes that the record no longer asks for, their pods first. */
export async function removeSurplusNodes(
  api: Api,
  record: ClusterRecord,
  onProgress: (line: string) => void,
): Promise<void> {
  const wanted = new Set(nodeNames(record));
  const surplus = (await simulatedNodes(api)).filter((name) => !wanted.has(name));
  await removeSimulatedNodes(api, surplus, onProgress);
}

async function simulatedNodes(api: Api): Promise<string[]> {
  const { items } = await api.call<{ items: Node[] }>("GET", `${NODES}?labelSelector=type%3Dkwok`);
  return items.map((node) => node.metadata.name);
}

/** Names of all nodes that the record asks for. */
export function nodeNames(record: ClusterRecord): string[] {
  const { name } = record.spec;
  const simulated = Array.from({ length: record.simulatedNodes }, (_, index) =>
    simulatedNodeName(name, index),
  );
  return record.realNode ? [realNodeName(name), ...simulated] : simulated;
}

function simulatedNode(record: ClusterRecord, index: number): object {
  const name = simulatedNodeName(record.spec.name, index);
  const capacity = { cpu: "8", memory: "32Gi", pods: "110", "ephemeral-storage": "100Gi" };
  const settings = settingsOf(record, "simulated", index);
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      annotations: { [SIMULATED_NODE.key]: SIMULATED_NODE.value, ...recordOf(settings) },
      labels: {
        type: "kwok",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        ...settings.labels,
      },
    },
    spec: { providerID: providerId(record.spec.name, name), taints: settings.taints },
    status: { capacity, allocatable: capacity },
  };
}

async function find(api: Api, name: string): Promise<Node | undefined> {
  try {
    return await api.call<Node>("GET", `${NODES}/${name}`);
  } catch (error) {
    if (isStarting(error) || (error instanceof ApiError && error.status === 404)) {
      return undefined;
    }
    throw error;
  }
}

/** Repeats a call that an API server which is still starting refuses. */
async function whenStarted<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (const deadline = Date.now() + WAIT_MS; ;) {
    try {
      return await call();
    } catch (error) {
      if (!isStarting(error) || Date.now() > deadline) throw error;
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}

function isStarting(error: unknown): boolean {
  const refused = error instanceof ApiError && [403, 503].includes(error.status);
  return refused || (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
}
