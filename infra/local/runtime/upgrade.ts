import { existsSync } from "node:fs";

import type { KubernetesMinor } from "../../../toolchain/release";
import { pauseKarpenter } from "../karpenter/lifecycle";
import { Api, credentialsOf } from "./api";
import { startControlPlane, stopControlPlane, type Tools } from "./control-plane";
import { LocalClusterError, shortly } from "./errors";
import { exchangeData, unpackData } from "./etcd";
import { writeKubeconfig } from "./kubeconfig";
import type { RuntimeContext } from "./lifecycle";
import type { ClusterPaths } from "./paths";
import { CONTROL_PLANE_TOOLS } from "./plan";
import { readTools, saveRecord, saveTools, settled } from "./record";
import { takeSnapshot } from "./snapshot";
import type { ClusterRecord } from "./spec";
import { waitForControlPlane } from "./readiness";

/** A control plane as it was or shall be: its record and the executables it runs. */
export interface ControlPlane {
  readonly record: ClusterRecord;
  readonly tools: Tools;
}

/** Starts the control plane in the version that is wanted: by an upgrade where another one is there. */
export async function ensureControlPlane(
  existing: ClusterRecord | undefined,
  wanted: ControlPlane,
  paths: ClusterPaths,
  context: RuntimeContext,
): Promise<void> {
  const { record, tools } = wanted;
  const from = existing?.upgrade?.from ?? existing?.kubernetes ?? record.kubernetes;
  let snapshot = existing?.upgrade?.snapshot;
  if (existing !== undefined && (snapshot !== undefined || from !== record.kubernetes)) {
    const former = await formerControlPlane(
      { ...existing, kubernetes: from },
      wanted,
      paths,
      context,
    );
    if (snapshot !== undefined && existing.kubernetes !== record.kubernetes) {
      // An upgrade was interrupted, and its aim is no longer wanted.
      await goBack(former, snapshot, paths, context.signal);
      snapshot = undefined;
    }
    if (from !== record.kubernetes) {
      await upgrade(former, wanted, snapshot, paths, context);
    }
  }
  await startControlPlane(record, paths, tools, context.signal);
  saveRecord(paths, record);
  saveTools(paths, tools);
}

/** The record on disk before the control plane has reached its aim: of a cluster that is there, its present version. */
export function recordOnTheWay(
  existing: ClusterRecord | undefined,
  wanted: ClusterRecord,
): ClusterRecord {
  if (existing === undefined) {
    return wanted;
  }
  const { kubernetes, upgrade } = existing;
  return { ...wanted, kubernetes, ...(upgrade === undefined ? {} : { upgrade }) };
}

async function formerControlPlane(
  existing: ClusterRecord,
  { record, tools }: ControlPlane,
  paths: ClusterPaths,
  context: RuntimeContext,
): Promise<ControlPlane> {
  const saved = readTools(paths);
  const kept = CONTROL_PLANE_TOOLS.every((name) => {
    const path = saved[name] ?? tools[name];
    return path !== undefined && existsSync(path);
  });
  // The cache may have been emptied meanwhile.
  const found = kept
    ? saved
    : await context.resolveTools(CONTROL_PLANE_TOOLS, minorOf(existing.kubernetes));
  return { record: { ...settled(existing), ports: record.ports }, tools: { ...tools, ...found } };
}

/** Of a version that a record holds: it was in the table when it was written. */
function minorOf(version: string): KubernetesMinor {
  return version.split(".").slice(0, 2).join(".") as KubernetesMinor;
}

async function upgrade(
  former: ControlPlane,
  wanted: ControlPlane,
  taken: string | undefined,
  paths: ClusterPaths,
  context: RuntimeContext,
): Promise<void> {
  const from = former.record.kubernetes;
  const to = wanted.record.kubernetes;
  const snapshot = taken ?? (await snapshotBefore(former, paths, context));
  saveRecord(paths, { ...wanted.record, upgrade: { from, snapshot } });
  context.onProgress(`upgrading the control plane from ${from} to ${to}`);
  try {
    await startWhole(wanted, paths, context.signal);
  } catch (error) {
    // Interrupted, it is gone on with by the next update.
    context.signal?.throwIfAborted();
    context.onProgress(`going back to Kubernetes ${from}`);
    await goBack(former, snapshot, paths).catch((second: unknown) => {
      throw new LocalClusterError(`neither Kubernetes ${to} nor ${from} comes up`, {
        why: `${to}: ${shortly(error)}; ${from}: ${shortly(second)}`,
        fix: `all data are in ${snapshot}: mend the cause, then npm run restore -- ${snapshot}`,
      });
    });
    throw new LocalClusterError(
      `Kubernetes was not upgraded to ${to}: the cluster runs ${from} again, with its data from right before`,
      {
        why: shortly(error),
        fix: `mend the cause and run npm start again, or keep "${minorOf(from)}" (the snapshot from before: ${snapshot})`,
      },
    );
  }
  context.onNotice(
    `Kubernetes is upgraded from ${from} to ${to}; the snapshot from before: ${snapshot}`,
  );
}

async function snapshotBefore(
  former: ControlPlane,
  paths: ClusterPaths,
  context: RuntimeContext,
): Promise<string> {
  const { record, tools } = former;
  // A cluster that is down is started once more as it was: only a running etcd gives a snapshot.
  await startControlPlane(record, paths, tools, context.signal);
  context.onProgress("taking a snapshot of etcd");
  const { file } = await takeSnapshot(record, paths, tools, { signal: context.signal });
  return file;
}

/** Restores the snapshot under the former version. The data of the newer one are given up. */
async function goBack(
  former: ControlPlane,
  snapshot: string,
  paths: ClusterPaths,
  signal?: AbortSignal,
): Promise<void> {
  const { record, tools } = former;
  const unpacked = await unpackData(record, paths, tools, snapshot, signal);
  const resumeKarpenter = await pauseKarpenter(paths);
  await stopControlPlane(record, paths, tools);
  const abandoned = exchangeData(paths, unpacked);
  await startWhole(former, paths, signal);
  resumeKarpenter();
  abandoned.remove();
  saveRecord(paths, record);
}

async function startWhole(
  { record, tools }: ControlPlane,
  paths: ClusterPaths,
  signal?: AbortSignal,
): Promise<void> {
  await startControlPlane(record, paths, tools, signal);
  writeKubeconfig(record, paths);
  const api = new Api(credentialsOf(paths.kubeconfig));
  try {
    await waitForControlPlane(api, record, paths, signal);
  } finally {
    api.close();
  }
}
