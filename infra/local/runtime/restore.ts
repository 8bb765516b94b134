import { createReadStream, rmSync } from "node:fs";

import { pauseKarpenter, reconcileKarpenter } from "../karpenter/lifecycle";
import { Api, credentialsOf } from "./api";
import { startControlPlane, stopControlPlane, type Tools } from "./control-plane";
import { LocalClusterError, shortly } from "./errors";
import { requireKeyOf, rewriteSecrets } from "./encryption";
import { exchangeData, unpackData } from "./etcd";
import { withHeldSupervision } from "./hold";
import { nodeNames, reconcileNodes, waitForReady } from "./nodes";
import type { ClusterPaths } from "./paths";
import { waitForPods } from "./pods";
import type { ClusterRecord } from "./spec";
import { waitForControlPlane } from "./readiness";

export interface RestoreContext {
  readonly tools: Tools;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: (line: string) => void;
  /** Asked once the file is known to be good, before anything is stopped. */
  readonly confirm: () => Promise<boolean>;
}

/**
 * Puts the objects of a snapshot in the place of the cluster's own, which are kept until the control
 * plane has come up on them, and come back where it does not.
 *
 * @returns false where the user did not confirm
 * @throws LocalClusterError for a file that is no snapshot of this cluster: nothing is stopped then
 */
export async function restoreSnapshot(
  record: ClusterRecord,
  paths: ClusterPaths,
  file: string,
  context: RestoreContext,
): Promise<boolean> {
  const { tools, signal, onProgress, confirm } = context;
  if (record.upgrade !== undefined) {
    throw new LocalClusterError("an upgrade of Kubernetes is not finished", {
      fix: "run npm start first: it goes on with it",
    });
  }
  onProgress("reading the snapshot");
  const unpacked = await unpackData(record, paths, tools, file, signal);
  try {
    await requireNodesOf(record, file);
    await requireKeyOf(paths, file);
    const confirmed = await confirm();
    if (confirmed) {
      const replace = () => replaceData(record, paths, unpacked, context);
      await withHeldSupervision(paths, replace, context.signal);
    }
    return confirmed;
  } finally {
    rmSync(unpacked, { recursive: true, force: true });
  }
}

/** Within the hold: from the first line to the last etcd's data change hands, and nobody may start it. */
async function replaceData(
  record: ClusterRecord,
  paths: ClusterPaths,
  unpacked: string,
  context: RestoreContext,
): Promise<void> {
  const { tools, signal, onProgress } = context;
  onProgress("stopping the control plane");
  const resumeKarpenter = await pauseKarpenter(paths);
  await stopControlPlane(record, paths, tools);
  const former = exchangeData(paths, unpacked);
  try {
    onProgress("starting the control plane on the restored data");
    await startOn(record, paths, context);
  } catch (error) {
    await stopControlPlane(record, paths, tools);
    former.restore();
    // Also where the user interrupts: the cluster must not stay down.
    await startControlPlane(record, paths, tools);
    resumeKarpenter();
    signal?.throwIfAborted();
    throw new LocalClusterError("the control plane does not come up on the restored data", {
      why: shortly(error),
      fix: "the cluster runs with its former data again; try another snapshot",
    });
  }
  former.remove();
}

async function startOn(
  record: ClusterRecord,
  paths: ClusterPaths,
  { tools, signal, onProgress }: RestoreContext,
): Promise<void> {
  await startControlPlane(record, paths, tools, signal);
  const api = new Api(credentialsOf(paths.kubeconfig));
  try {
    await waitForControlPlane(api, record, paths, signal);
    // The snapshot may be older than the key of the Secrets, and than the configuration of the nodes.
    await rewriteSecrets(api);
    await reconcileNodes(api, record, onProgress);
    await Promise.all(nodeNames(record).map((name) => waitForReady(api, name, signal)));
    if (record.realNode) {
      await waitForPods(api, record, onProgress, signal);
    }
    // Last: once it runs, nothing leads back to the former data.
    await reconcileKarpenter(api, { record, tools }, paths, { onProgress, signal });
  } finally {
    api.close();
  }
}

/** The keys of a cluster's nodes stand in every snapshot of it; on another one's no pod would find its node. */
async function requireNodesOf(record: ClusterRecord, file: string): Promise<void> {
  const keys = nodeNames(record).map((name) => Buffer.from(`/registry/minions/${name}`));
  const longest = Math.max(...keys.map((key) => key.length));
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    const text = Buffer.concat([rest, chunk]);
    if (keys.some((key) => text.includes(key))) {
      return;
    }
    rest = text.subarray(-longest);
  }
  throw new LocalClusterError(`${file} is a snapshot of another cluster`, {
    why: `it holds none of the nodes of ${record.spec.name}`,
    fix: "choose one that npm run snapshot took of this cluster; nothing was stopped or changed",
  });
}
