import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Api, KubernetesObject } from "./api";
import { populatedCgroups } from "./cgroups";
import { type ClusterRecord, realNodeName } from "./spec";

interface Pod extends KubernetesObject {
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { type: string; status: string }[];
    readonly containerStatuses?: readonly { readonly containerID?: string }[];
  };
}

/** A revived node starts its pods again; what is not ready by then shows in `kubectl get pods`. */
const WAIT_MS = 60_000;

/**
 * Until the pods that were on the real node run again, for at most a minute. A kubelet that just started has
 * not yet told the API server what it lost: what that says of a container counts while the container runs.
 * @returns names of the pods that are not ready, as namespace/name
 */
export async function waitForPods(
  api: Api,
  { spec: { name } }: ClusterRecord,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<string[]> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const path = `/api/v1/pods?fieldSelector=spec.nodeName%3D${realNodeName(name)}`;
    const { items } = await api.call<{ items: Pod[] }>("GET", path);
    const running = populatedCgroups(name);
    const waiting = items.filter((pod) => !settled(pod, running));
    if (waiting.length === 0 || Date.now() > deadline) {
      return waiting.map(({ metadata }) => `${metadata.namespace ?? "default"}/${metadata.name}`);
    }
    onProgress(
      `waiting for pods (${String(items.length - waiting.length)}/${String(items.length)} ready)`,
    );
    await sleep(250, undefined, { signal });
  }
}

/** @param running ids of the containers that have a process */
function settled({ status }: Pod, running: ReadonlySet<string>): boolean {
  if (status?.phase === "Succeeded" || status?.phase === "Failed") return true;
  const ready = status?.conditions?.some((it) => it.type === "Ready" && it.status === "True");
  const ids = (status?.containerStatuses ?? []).map(({ containerID = "" }) =>
    basename(containerID),
  );
  return ready === true && ids.every((id) => running.has(id));
}
