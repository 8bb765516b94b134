import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { KUBERNETES_VERSION } from "../../../toolchain/tools";
import type { ToolName } from "../../../toolchain/release";
import { Api, credentialsOf } from "./api";
import { createCgroup } from "./cgroups";
import { deadComponents, startControlPlane, type Tools } from "./control-plane";
import {
  buildSystemImages,
  hasImage,
  importImage,
  type SystemImages,
  waitForContainerd,
} from "./images";
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
import { applySimulatedNodes, nodeNames, waitForPodCidr, waitForReady } from "./nodes";
import { type ClusterPaths, clusterPaths } from "./paths";
import { kubeconfig } from "./pki";
import { newRecord, planCluster, requiredTools } from "./plan";
import { daemonPid, type Folders, readText, startDaemon, stopDaemon } from "./process";
import { type ClusterRecord, type ClusterSpec, realNodeName } from "./spec";

/** What the runtime needs from its caller. */
export interface RuntimeContext {
  /** The project's folder; the cluster's files lie below its `.drydock`. */
  readonly projectRoot: string;
  /** The tool cache, for built images. */
  readonly cacheDirectory: string;
  readonly signal?: AbortSignal;
  /** One line of plain words a step. */
  readonly onProgress: (line: string) => void;
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

const AGENT = "agent";
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
  const record = await recordFor(spec, paths);
  context.onProgress("finding tools");
  const tools = await context.resolveTools(requiredTools(record));
  mkdirSync(paths.root, { recursive: true, mode: 0o700 });
  chmodSync(paths.root, 0o700);
  saveRecord(paths, record);
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
    await startAgent(record, paths, context);
    context.onProgress("waiting for nodes");
    await Promise.all(nodeNames(record).map((name) => waitForReady(api, name, context.signal)));
  } finally {
    api.close();
  }
  writeFileSync(
    join(paths.root, "coredns-image"),
    images?.coredns.reference ?? SIMULATED_COREDNS_IMAGE,
  );
  return describeCluster(record, paths);
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

/** The record on disk with what the spec changed, or a new one. */
async function recordFor(spec: ClusterSpec, paths: ClusterPaths): Promise<ClusterRecord> {
  const existing = readRecord(paths);
  if (existing === undefined) {
    return newRecord(spec, await planCluster(spec), KUBERNETES_VERSION);
  }
  const simulatedNodes =
    existing.realNode || spec.nodes.simulated > 0 ? spec.nodes.simulated : existing.simulatedNodes;
  return { ...existing, spec, simulatedNodes };
}

async function prepareHost(record: ClusterRecord, paths: ClusterPaths): Promise<void> {
  if (record.network.kind === "namespace") {
    await createNamespace(record.network);
    mkdirSync(paths.run, { recursive: true, mode: 0o700 });
    // Names the project that a cluster of this name belongs to, for a second one that asks.
    writeFileSync(join(paths.run, "owner"), paths.root);
  }
  if (record.realNode) {
    createCgroup(record.spec.name);
    const made = await createMountNamespace(paths);
    if (made.length > 0) {
      writeFileSync(join(paths.root, "mount-points.json"), JSON.stringify(made));
    }
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
    startDaemon(folders(paths), containerd);
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
    startDaemon(folders(paths), daemon);
  }
  writePodNetwork(record, paths, await waitForPodCidr(api, realNodeName(record.spec.name), signal));
}

/** The agent's settings file; as its argument it also marks the agent's process. */
export function agentSettings(paths: ClusterPaths): string {
  return join(paths.root, "agent.json");
}

/** The agent is this project's own program: the same Node, a bundle beside the plugin's. */
async function startAgent(
  record: ClusterRecord,
  paths: ClusterPaths,
  context: RuntimeContext,
): Promise<void> {
  const program = join(context.projectRoot, "dist", "local", "agent.js");
  const settings = {
    kubeconfig: paths.kubeconfig,
    loadBalancerAddress: record.spec.loadBalancerAddress,
    // Simulated nodes have nobody to forward to.
    nodeAddress: record.realNode ? record.network.address : null,
  };
  const file = agentSettings(paths);
  const text = JSON.stringify(settings);
  if (readText(file) !== text) {
    await stopDaemon(folders(paths), AGENT);
    writeFileSync(file, text, { mode: 0o600 });
  }
  const args = ["--max-old-space-size=64", "--max-semi-space-size=1", program, file];
  startDaemon(folders(paths), { name: AGENT, command: { file: process.execPath, args } });
}

/** Processes, namespaces and mounts that should be there and are not. Empty: all is well. */
export function missingParts(record: ClusterRecord, paths: ClusterPaths): string[] {
  const components = [...(record.realNode ? NODE_COMPONENTS : []), AGENT];
  return [
    ...(namespaceExists(record.network) ? [] : ["network namespace"]),
    ...(!record.realNode || mountNamespaceExists(paths) ? [] : ["mount namespace"]),
    ...deadComponents(record, paths),
    ...components.filter((name) => daemonPid(folders(paths), name) === undefined),
  ];
}

export function readRecord(paths: ClusterPaths): ClusterRecord | undefined {
  const text = readText(paths.record);
  return text === undefined ? undefined : (JSON.parse(text) as ClusterRecord);
}

function saveRecord(paths: ClusterPaths, record: ClusterRecord): void {
  const draft = `${paths.record}.new`;
  writeFileSync(draft, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, paths.record);
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

export function folders(paths: ClusterPaths): Folders {
  return { logs: paths.logs, pids: paths.pids };
}
