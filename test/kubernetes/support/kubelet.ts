import {
  getPath,
  listAt,
  textAt,
  type Json,
  type JsonMap,
} from "../../../toolchain/kubernetes/objects";
import type { OtherClient } from "./cluster";

/** For pods that only a node without a kubelet takes: there the test plays it. */
export const onNodeByHand = {
  nodeSelector: { hand: "yes" },
  tolerations: [{ operator: "Exists" }],
};

/** What a kubelet reports of a container called `web` whose image it cannot get. */
export const imagePullBackOff = containerStatus({
  waiting: { reason: "ImagePullBackOff", message: 'Back-off pulling image "web:1"' },
});

export function containerStatus(state: JsonMap, phase = "Pending"): JsonMap {
  const web = { name: "web", image: "web:1", imageID: "", ready: false, restartCount: 0 };
  return { phase, containerStatuses: [{ ...web, state }] };
}

/** What a kubelet reports of a pod that serves. */
export const podReady: JsonMap = {
  phase: "Running",
  conditions: [
    { type: "Ready", status: "True" },
    { type: "ContainersReady", status: "True" },
  ],
};

/** A node whose pods get no status but from the test. */
export async function addNodeByHand(other: OtherClient): Promise<void> {
  await other.post("/api/v1/nodes", {
    metadata: { name: "by-hand", labels: { hand: "yes" } },
    spec: { taints: [{ key: "hand", value: "yes", effect: "NoSchedule" }] },
  });
  const resources = { cpu: "4", memory: "4Gi", pods: "50" };
  // A taint for a node without a kubelet comes from the node controller: the status lifts it.
  await other.merge("/api/v1/nodes/by-hand/status", {
    status: {
      allocatable: resources,
      capacity: resources,
      conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: "2100-01-01T00:00:00Z" }],
    },
  });
}

/** Reports a status for the pods with a label `app`, as soon as there are `count` of them. */
export async function reportPods(
  other: OtherClient,
  app: string,
  status: JsonMap,
  count = 1,
): Promise<void> {
  const pods = await other.eventually(async () => {
    const items = listAt(await podsOf(other, app), "items");
    return items.length >= count ? items : undefined;
  });
  await Promise.all(pods.map((pod) => other.merge(`${pathOf(pod)}/status`, { status })));
}

/** Ends the pods with a label `app` that are being deleted, as a kubelet does, while `action` runs. */
export async function endingPods<T>(
  other: OtherClient,
  app: string,
  action: Promise<T>,
): Promise<T> {
  const timer = setInterval(() => {
    void endPods(other, app).catch(() => undefined);
  }, 200);
  return action.finally(() => clearInterval(timer));
}

async function endPods(other: OtherClient, app: string): Promise<void> {
  for (const pod of listAt(await podsOf(other, app), "items")) {
    if (getPath(pod, "metadata", "deletionTimestamp") !== undefined) {
      await other.delete(`${pathOf(pod)}?gracePeriodSeconds=0`);
    }
  }
}

function podsOf(other: OtherClient, app: string): Promise<JsonMap> {
  return other.get(`/api/v1/pods?labelSelector=app%3D${app}`);
}

function pathOf(pod: Json): string {
  const namespace = textAt(pod, "metadata", "namespace");
  return `/api/v1/namespaces/${namespace}/pods/${textAt(pod, "metadata", "name")}`;
}
