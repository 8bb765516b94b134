import { existsSync } from "node:fs";
import { join } from "node:path";

import type { Api } from "./api";
import { configureContainerd, pullAhead, waitForContainerd } from "./containerd";
import type { Tools } from "./control-plane";
import { type Daemon, daemonPid, restartChanged, startDaemon, stopDaemon } from "./daemon";
import { buildSystemImages, findStorageImage, type SystemImages } from "./images";
import type { RuntimeContext } from "./lifecycle";
import { certifyNode, configureNode, NODE_COMPONENTS, nodeDaemons, writePodNetwork } from "./node";
import { registerFirstNode, waitForPodCidr } from "./nodes";
import type { ClusterPaths } from "./paths";
import { waitForApiServer } from "./readiness";
import { configureRegistry, pushImage } from "./registry";
import { type ClusterRecord, realNodeName } from "./spec";

/** Whether all processes of the real node are there. */
export function nodeRuns(paths: ClusterPaths): boolean {
  return NODE_COMPONENTS.every((name) => daemonPid(paths, name) !== undefined);
}

/** The registry with the cluster's own images, and containerd, which pulls them when a pod needs them. */
export async function startContainerd(
  record: ClusterRecord,
  paths: ClusterPaths,
  tools: Tools,
  context: RuntimeContext,
): Promise<SystemImages> {
  const { registry, containerd } = nodeDaemons(record, paths, tools);
  configureRegistry(paths);
  startDaemon(paths, registry);
  const images = await buildSystemImages(tools, context);
  if (configureContainerd(paths, tools, images.pause.reference)) {
    // It reads its configuration at its start. The pods' processes are not its children.
    await stopDaemon(paths, containerd.name);
  }
  startDaemon(paths, containerd);
  const storage = await findStorageImage(tools, context);
  const first = [images.pause, images.coredns, ...(storage === undefined ? [] : [storage])];
  for (const image of first) {
    await pushImage(record, paths, tools, image, context.signal);
  }
  await waitForContainerd(paths, tools, context.signal);
  // While the API server starts: the first pods wait for these.
  await Promise.all(first.map(({ reference }) => pullAhead(paths, tools, reference, context)));
  return images;
}

/**
 * Kubelet and kube-proxy, once there is an API server.
 * @returns whether kubelet or kube-proxy ran before in another version or with other arguments
 */
export async function startNode(
  record: ClusterRecord,
  paths: ClusterPaths,
  tools: Tools,
  api: Api,
  signal?: AbortSignal,
): Promise<boolean> {
  if (!existsSync(join(paths.certificates, "kubelet.crt"))) {
    await certifyNode(record, paths);
  }
  const configured = configureNode(record, paths);
  const daemons = nodeDaemons(record, paths, tools);
  const restart = (daemon: Daemon) =>
    restartChanged(paths, daemon, configured.includes(daemon.name));
  await registerFirstNode(api, record, signal);
  const kubelet = await restart(daemons.kubelet);
  writePodNetwork(record, paths, await waitForPodCidr(api, realNodeName(record.spec.name), signal));
  // Its rights come with the API server's own roles: refused before, it would ask again only later.
  await waitForApiServer(api, signal);
  const proxy = await restart(daemons["kube-proxy"]);
  return kubelet || proxy;
}
