import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { ToolName } from "../../../toolchain/release";
import { AGENT, startAgent, waitForAgent } from "./agent";
import { Api, credentialsOf } from "./api";
import { createCgroup } from "./cgroups";
import { controlPlanePids, deadComponents, startControlPlane, type Tools } from "./control-plane";
import { daemonPid, startDaemon } from "./daemon";
import { removeRemnants } from "./delete";
import { withHeldSupervision } from "./hold";
import {
  buildSystemImages,
  hasImage,
  importImage,
  type SystemImages,
  waitForContainerd,
} from "./images";
import { namespaceHolder } from "./members";
import { createMountNamespace, mountNamespaceExists } from "./mounts";
import { createNamespace, namespaceExists } from "./network";
import {
  apiServerUrl,
  configureContainerd,
  configureNode,
  NODE_COMPONENTS,
  nodeDaemons,
  writePodNetwork,
} from "./node";
import {
  applySimulatedNodes,
  nodeNames,
  waitForPodCidr,
  waitForProxy,
  waitForReady,
} from "./nodes";
import { type ClusterPaths, clusterPaths } from "./paths";
import { kubeconfig } from "./kubeconfig";
import { waitForPods } from "./pods";
import { requiredTools } from "./plan";
import { readText } from "./process";
import { newRecord, readRecord, saveRecord, saveTools, updatedRecord } from "./record";
import { type ClusterRecord, type ClusterSpec, realNodeName } from "./spec";
import { isBeingRestarted, isSupervised } from "./supervision";

/** What the runtime needs from its caller. */
export interface RuntimeContext {
  /** The project's folder; the cluster's files lie below its `.drydock`. */
  readonly projectRoot: string;
  /** The tool cache, for built images. */
  readonly cacheDirectory: string;
  readonly signal?: AbortSignal;
  /** One line of plain words a step. */
  readonly onProgress: (line: string) => void;
  /** A sentence that the user should still see at the end. */
  readonly onNotice: (line: string) => void;
  resolveTools(names: readonly ToolName[]): Promise<Tools>;
}

export interface RunningCluster {
  readonly record: ClusterRecord;
  /** Text of the administrator's kubeconfig. A secret. */
  readonly kubeconfig: string;
  readonly server: string;
  readonly nodeNames: string[];
  /** Reference by digest; of the official image where no node runs it. */
  readonly coreDnsImage: string;
}

const SIMULATED_COREDNS_IMAGE = "registry.k8s.io/coredns/coredns:v1.14.6";

/**
 * Makes the cluster, or completes and revives the one that is there, with its data. Safe to repeat
 * after an interruption at any point.
 */
export async function ensureCluster(
  spec: ClusterSpec,
  context: RuntimeContext,
): Promise<RunningCluster> {
  const paths = clusterPaths(context.projectRoot, spec.name);
  const existing = readRecord(paths);
  if (existing === undefined) {
    await removeRemnants(context.projectRoot, spec.name, context.onNotice);
  }
  const record =
    existing === undefined
      ? await newRecord(spec)
      : await updatedRecord(existing, spec, controlPlanePids(paths).length === 0);
  const lostNode = record.realNode && existing !== undefined && !nodeRuns(paths);
  context.onProgress("finding tools");
  const tools = await context.resolveTools(requiredTools(record));
  mkdirSync(paths.root, { recursive: true, mode: 0o700 });
  chmodSync(paths.root, 0o700);
  await withHeldSupervision(paths, () => startParts(record, paths, tools, context), context.signal);
  await waitForParts(record, paths, lostNode, context);
  return describeCluster(record, paths);
}

/** Everything that stops or starts components: while the supervisor starts none. */
async function startParts(
  record: ClusterRecord,
  paths: ClusterPaths,
  tools: Tools,
  context: RuntimeContext,
): Promise<void> {
  saveRecord(paths, record);
  saveTools(paths, tools);
  await prepareHost(record, paths);

  context.onProgress("starting the control plane");
  const [, images] = await Promise.all([
    startControlPlane(record, paths, tools, context.signal),
    record.realNode ? startContainerd(record, paths, tools, context) : undefined,
  ]);
  writeKubeconfig(record, paths);
  const api = new Api(credentialsOf(paths.kubeconfig));
  try {
    if (record.realNode) {
      context.onProgress("starting the node");
      await startNode(record, paths, tools, api, context.signal);
    }
    await applySimulatedNodes(api, record);
  } finally {
    api.close();
  }
  await startAgent(record, paths, context.projectRoot);
  writeFileSync(
    join(paths.root, "coredns-image"),
    images?.coredns.reference ?? SIMULATED_COREDNS_IMAGE,
  );
}

async function waitForParts(
  record: ClusterRecord,
  paths: ClusterPaths,
  lostNode: boolean,
  context: RuntimeContext,
): Promise<void> {
  const { signal, onProgress } = context;
  onProgress("waiting for nodes");
  const api = new Api(credentialsOf(paths.kubeconfig));
  try {
    await waitForAgent(paths, signal);
    await Promise.all(nodeNames(record).map((name) => waitForReady(api, name, signal)));
    if (record.realNode) {
      await waitForProxy(record, signal);
    }
    if (lostNode) {
      await waitForPods(api, realNodeName(record.spec.name), onProgress, signal);
    }
  } finally {
    api.close();
  }
}

/** What the files of a cluster, running or not, say of it. */
export function describeCluster(record: ClusterRecord, paths: ClusterPaths): RunningCluster {
  return {
    record,
    kubeconfig: readText(paths.kubeconfig) ?? "",
    server: apiServerUrl(record),
    nodeNames: nodeNames(record),
    coreDnsImage: readText(join(paths.root, "coredns-image")) ?? SIMULATED_COREDNS_IMAGE,
  };
}

function nodeRuns(paths: ClusterPaths): boolean {
  return NODE_COMPONENTS.every((name) => daemonPid(paths, name) !== undefined);
}

async function prepareHost(record: ClusterRecord, paths: ClusterPaths): Promise<void> {
  if (record.network.kind === "namespace") {
    // First the owner: what follows bears the cluster's name alone, and only its owner removes it.
    mkdirSync(paths.run, { recursive: true, mode: 0o700 });
    writeFileSync(join(paths.run, "owner"), paths.root);
    await createNamespace(record.network, namespaceHolder(paths, record.spec.name));
  }
  if (record.realNode) {
    createCgroup(record.spec.name);
    await createMountNamespace(paths);
  }
}

async function startContainerd(
  record: ClusterRecord,
  paths: ClusterPaths,
  tools: Tools,
  context: RuntimeContext,
): Promise<SystemImages> {
  const images = await buildSystemImages(tools, context);
  configureContainerd(paths, tools, images.pause.reference);
  const [containerd] = nodeDaemons(record, paths, tools);
  if (containerd !== undefined) {
    startDaemon(paths, containerd);
  }
  await waitForContainerd(paths, tools, context.signal);
  for (const image of [images.pause, images.coredns]) {
    if (!(await hasImage(paths, tools, image.reference))) {
      await importImage(paths, tools, image, context.signal);
    }
  }
  return images;
}

async function startNode(
  record: ClusterRecord,
  paths: ClusterPaths,
  tools: Tools,
  api: Api,
  signal?: AbortSignal,
): Promise<void> {
  if (!existsSync(join(paths.certificates, "kubelet.crt"))) {
    await configureNode(record, paths);
  }
  for (const daemon of nodeDaemons(record, paths, tools)) {
    startDaemon(paths, daemon);
  }
  writePodNetwork(record, paths, await waitForPodCidr(api, realNodeName(record.spec.name), signal));
}

/**
 * Processes, namespaces and mounts that should be there and are not, and of which the supervisor
 * does not bring back by itself. Empty: all is well.
 */
export function missingParts(record: ClusterRecord, paths: ClusterPaths): string[] {
  const node = record.realNode ? NODE_COMPONENTS : [];
  const dead = [
    ...deadComponents(record, paths),
    ...node.filter((name) => daemonPid(paths, name) === undefined),
  ];
  return [
    ...(namespaceExists(record.network) ? [] : ["network namespace"]),
    ...(!record.realNode || mountNamespaceExists(paths) ? [] : ["mount namespace"]),
    ...dead.filter((name) => !isBeingRestarted(paths, name)),
    ...(isSupervised(paths) ? [] : [AGENT]),
  ];
}

function writeKubeconfig(record: ClusterRecord, paths: ClusterPaths): void {
  const pki = paths.controlPlaneCertificates;
  const text = kubeconfig({
    cluster: record.spec.name,
    server: apiServerUrl(record),
    authority: join(pki, "ca.crt"),
    certificate: join(pki, "admin.crt"),
    key: join(pki, "admin.key"),
  });
  writeFileSync(paths.kubeconfig, text, { mode: 0o600 });
}
