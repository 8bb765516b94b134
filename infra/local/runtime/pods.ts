import { setTimeout as sleep } from "node:timers/promises";

import type { Api, KubernetesObject } from "./api";

interface Pod extends KubernetesObject {
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { type: string; status: string }[];
  };
}

/** A revived node starts its pods again; what is not ready by then shows in `kubectl get pods`. */
const WAIT_MS = 60_000;

/**
 * Until the pods that were on the node run again, for at most a minute.
 * @returns names of the pods that are not ready, as namespace/name
 */
export async function waitForPods(
  api: Api,
  node: string,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<string[]> {
  const deadline = Date.now() + WAIT_MS;
  // A kubelet that just started has not yet told the API server what it lost.
  await sleep(1_000, undefined, { signal });
  for (;;) {
    const path = `/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`;
    const { items } = await api.call<{ items: Pod[] }>("GET", path);
    const waiting = items.filter((pod) => !settled(pod));
    if (waiting.length === 0 || Date.now() > deadline) {
      return waiting.map(({ metadata }) => `${metadata.namespace ?? "default"}/${metadata.name}`);
    }
    onProgress(
      `waiting for pods (${String(items.length - waiting.length)}/${String(items.length)} ready)`,
    );
    await sleep(250, undefined, { signal });
  }
}

function settled({ status }: Pod): boolean {
  const ready = status?.conditions?.some((it) => it.type === "Ready" && it.status === "True");
  return ready === true || status?.phase === "Succeeded" || status?.phase === "Failed";
}
