import { setTimeout as sleep } from "node:timers/promises";

import { type Api, ApiError, type KubernetesObject } from "./api";
import { SIMULATED_NODE } from "./control-plane";
import { LocalClusterError } from "./errors";
import { PROXY_HEALTH_PORT } from "./node";
import { type ClusterRecord, realNodeName, simulatedNodeName } from "./spec";

interface Node extends KubernetesObject {
  readonly spec?: { readonly podCIDR?: string };
  readonly status?: {
    readonly conditions?: readonly { type: string; status: string; message?: string }[];
  };
}

const WAIT_MS = 60_000;

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
    await sleep(100, undefined, { signal });
  }
  const fix = "see the logs in .drydock/clusters/<name>/logs (kubelet.log, containerd.log)";
  throw new LocalClusterError(`node ${name} ${what} after ${String(WAIT_MS / 1000)} s`, {
    why: last,
    fix,
  });
}

/** Until kube-proxy has written the rules of all Services. */
export async function waitForProxy(record: ClusterRecord, signal?: AbortSignal): Promise<void> {
  const url = `http://${record.network.address}:${String(PROXY_HEALTH_PORT)}/healthz`;
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const healthy = await fetch(url).then(({ ok }) => ok).catch(() => false); // prettier-ignore
    if (healthy) {
      return;
    }
    if (Date.now() > deadline) {
      throw new LocalClusterError("kube-proxy does not get ready", {
        fix: "see kube-proxy.log in .drydock/clusters/<name>/logs",
      });
    }
    await sleep(100, undefined, { signal });
  }
}

/** Makes the simulated nodes that are missing and removes those that are too many. */
export async function applySimulatedNodes(api: Api, record: ClusterRecord): Promise<void> {
  const wanted = Array.from({ length: record.simulatedNodes }, (_, index) => index);
  const names = new Set(wanted.map((index) => simulatedNodeName(record.spec.name, index)));
  const { items } = await api.call<{ items: Node[] }>(
    "GET",
    "/api/v1/nodes?labelSelector=type%3Dkwok",
  );
  const present = new Set(items.map((node) => node.metadata.name));
  for (const index of wanted) {
    if (!present.has(simulatedNodeName(record.spec.name, index))) {
      await api.call("POST", "/api/v1/nodes", simulatedNode(record, index));
    }
  }
  for (const name of present) {
    if (!names.has(name)) {
      await api.call("DELETE", `/api/v1/nodes/${name}`);
    }
  }
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
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      annotations: { [SIMULATED_NODE.key]: SIMULATED_NODE.value },
      labels: {
        type: "kwok",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/region": "local",
        "topology.kubernetes.io/zone": `local-${["a", "b", "c"][index % 3] ?? "a"}`,
      },
    },
    // Beside a real node a pod must ask for a simulated one: there it would not run.
    spec: record.realNode
      ? { taints: [{ key: SIMULATED_NODE.key, value: SIMULATED_NODE.value, effect: "NoSchedule" }] }
      : {},
    status: { capacity, allocatable: capacity },
  };
}

async function find(api: Api, name: string): Promise<Node | undefined> {
  try {
    return await api.call<Node>("GET", `/api/v1/nodes/${name}`);
  } catch (error) {
    // 403 and 503 while the API server is still starting.
    const starting = error instanceof ApiError && [404, 403, 503].includes(error.status);
    if (starting || (error as NodeJS.ErrnoException).code === "ECONNREFUSED") {
      return undefined;
    }
    throw error;
  }
}
