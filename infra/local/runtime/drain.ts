import { setTimeout as sleep } from "node:timers/promises";

import { type Api, ApiError, type KubernetesObject, unlessGone } from "./api";

interface Pod extends KubernetesObject {
  readonly metadata: KubernetesObject["metadata"] & {
    readonly ownerReferences?: readonly { readonly kind: string }[];
  };
}

const EVICT_MS = 30_000;
const RETRY_MS = 500;

/**
 * Takes simulated nodes out of the cluster as `kubectl drain` and `kubectl delete node` do: no new pods,
 * evictions that respect disruption budgets for half a minute a node, then the node goes with what is left on
 * it. One with finalizers is marked for deletion; one that is gone meanwhile is passed over.
 */
export async function removeSimulatedNodes(
  api: Api,
  names: readonly string[],
  onProgress: (line: string) => void,
): Promise<void> {
  // First all of them: what leaves one must not come to the next.
  for (const name of names) {
    const cordoned = { spec: { unschedulable: true } };
    await unlessGone(api.call("PATCH", `/api/v1/nodes/${name}`, cordoned));
  }
  for (const name of names) {
    await drain(api, name, onProgress);
    await unlessGone(api.call("DELETE", `/api/v1/nodes/${name}`));
  }
}

async function drain(api: Api, name: string, onProgress: (line: string) => void): Promise<void> {
  const pods = (await podsOn(api, name)).filter((pod) => !isOfDaemonSet(pod));
  const deadline = Date.now() + EVICT_MS;
  if (pods.length > 0) {
    onProgress(`evicting ${String(pods.length)} pods from ${name}`);
  }
  await Promise.all(pods.map((pod) => evict(api, pod, deadline)));
  // No process stands behind these pods: nobody else would confirm their end.
  await Promise.all((await podsOn(api, name)).map((pod) => deleteNow(api, pod)));
}

async function podsOn(api: Api, node: string): Promise<Pod[]> {
  const path = `/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`;
  return (await api.call<{ items: Pod[] }>("GET", path)).items;
}

function isOfDaemonSet({ metadata }: Pod): boolean {
  return metadata.ownerReferences?.some(({ kind }) => kind === "DaemonSet") ?? false;
}

/** 429 is a disruption budget that is spent for now; past the deadline the pod goes without its leave. */
async function evict(api: Api, { metadata }: Pod, deadline: number): Promise<void> {
  const { name, namespace = "default" } = metadata;
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
  for (;;) {
    try {
      await api.callOnce("POST", `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, eviction);
      return;
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 0;
      if (status === 404 || (status === 429 && Date.now() > deadline)) {
        return;
      }
      if (status !== 429) {
        throw error;
      }
    }
    await sleep(RETRY_MS);
  }
}

async function deleteNow(api: Api, { metadata }: Pod): Promise<void> {
  const { name, namespace = "default" } = metadata;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}?gracePeriodSeconds=0`;
  await unlessGone(api.call("DELETE", path));
}
