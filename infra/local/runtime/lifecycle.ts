import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { KubernetesMinor, ToolName } from "../../../toolchain/release";
import { closePodNetwork } from "../network-policy/apply";
import {
  isKarpenterUnwanted,
  KARPENTER,
  reconcileKarpenter,
  removeKarpenter,
  waitForKarpenter,
} from "../karpenter/lifecycle";
import { AGENT, startAgent, waitForAgent } from "./agent";
import { Api, credentialsOf } from "./api";
import { createCgroup } from "./cgroups";
import { controlPlanePids, deadComponents, type Tools } from "./control-plane";
import { daemonPid } from "./daemon";
import { removeRemnants } from "./delete";
import { encryptFormerSecrets } from "./encryption";
import { withHeldSupervision } from "./hold";
import { namespaceHolder } from "./members";
import { createMountNamespace, mountNamespaceExists } from "./mounts";
import { createNamespace, namespaceExists } from "./network";
import { NODE_COMPONENTS } from "./node";
import { nodeRuns, startContainerd, startNode } from "./node-startup";
import {
  nodeNames,
  reconcileNodes,
  removeSurplusNodes,
  waitForProxy,
  waitForReady,
  waitForVersion,
} from "./nodes";
import { type ClusterPaths, clusterPaths } from "./paths";
import { writeKubeconfig } from "./kubeconfig";
import { waitForPods } from "./pods";
import { requiredTools } from "./plan";
import { readText } from "./process";
import { newRecord, readRecord, saveRecord, updatedRecord } from "./record";
import { apiServerUrl, type ClusterRecord, type ClusterSpec } from "./spec";
import { isBeingRestarted, isSupervised, waitForSupervisor } from "./supervision";
import { type ControlPlane, ensureControlPlane, recordOnTheWay } from "./upgrade";

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
  /** @param kubernetes minor of the Kubernetes commands; default: the one that stacks share */
  resolveTools(names: readonly ToolName[], kubernetes?: KubernetesMinor): Promise<Tools>;
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
  context.onProgress("finding tools");
  const tools = await context.resolveTools(requiredTools(record), spec.kubernetesVersion);
  mkdirSync(paths.root, { recursive: true, mode: 0o700 });
  chmodSync(paths.root, 0o700);
  const disturbed = await withHeldSupervision(
    paths,
    () => startParts(existing, { record, tools }, paths, context),
    context.signal,
  );
  await waitForParts(record, paths, disturbed, context);
  return describeCluster(record, paths);
}

/**
 * Everything that stops or starts components: while the supervisor starts none.
 * @returns whether pods of the real node have to come back
 */
async function startParts(
  existing: ClusterRecord | undefined,
  { record, tools }: ControlPlane,
  paths: ClusterPaths,
  context: RuntimeContext,
): Promise<boolean> {
  const lostNode = record.realNode && existing !== undefined && !nodeRuns(paths);
  saveRecord(paths, recordOnTheWay(existing, record));
  await prepareHost(record, paths);
  if (existing !== undefined) {
    await evictSurplus(existing, record, paths, context);
  }

  context.onProgress("starting the control plane");
  const [, images] = await Promise.all([
    ensureControlPlane(existing, { record, tools }, paths, context),
    record.realNode ? startContainerd(record, paths, tools, context) : undefined,
  ]);
  writeKubeconfig(record, paths);
  const api = new Api(credentialsOf(paths.kubeconfig));
  let replaced = false;
  try {
    if (record.realNode) {
      context.onProgress("starting the node");
      replaced = await startNode(record, paths, tools, api, context.signal);
    }
    await encryptFormerSecrets(api, paths, context.onProgress);
    await reconcileNodes(api, record, context.onProgress);
    await reconcileKarpenter(api, { record, tools }, paths, context);
  } finally {
    api.close();
  }
  await startAgent(record, paths, context.projectRoot);
  writeFileSync(
    join(paths.root, "coredns-image"),
    images?.coredns.reference ?? SIMULATED_COREDNS_IMAGE,
  );
  return lostNode || replaced;
}

async function waitForParts(
  record: ClusterRecord,
  paths: ClusterPaths,
  disturbed: boolean,
  context: RuntimeContext,
): Promise<void> {
  const { signal, onProgress } = context;
  onProgress("waiting for nodes");
  const api = new Api(credentialsOf(paths.kubeconfig));
  try {
    await waitForAgent(paths, signal);
    await waitForSupervisor(paths, signal);
    await Promise.all(nodeNames(record).map((name) => waitForReady(api, name, signal)));
    await waitForKarpenter(record, paths, signal);
    if (record.realNode) {
      await waitForVersion(api, record, signal);
      await waitForProxy(record, signal);
    }
    if (disturbed) {
      await waitForPods(api, record, onProgress, signal);
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

async function prepareHost(record: ClusterRecord, paths: ClusterPaths): Promise<void> {
  if (record.network.kind === "namespace") {
    // First the owner: what follows bears the cluster's name alone, and only its owner removes it.
    mkdirSync(paths.run, { recursive: true, mode: 0o700 });
    writeFileSync(join(paths.run, "owner"), paths.root);
    await createNamespace(record.network, namespaceHolder(paths, record.spec.name));
  }
  if (record.realNode) {
    // Where a node runs already, a cluster of before there were rules has traffic.
    if (!nodeRuns(paths)) {
      await closePodNetwork(record.network);
    }
    createCgroup(record.spec.name);
    await createMountNamespace(paths);
  }
}

/** While kwok still simulates them, and the API answers: otherwise they go later, at once. */
async function evictSurplus(
  existing: ClusterRecord,
  record: ClusterRecord,
  paths: ClusterPaths,
  context: RuntimeContext,
): Promise<void> {
  const withoutKarpenter = isKarpenterUnwanted(record, paths);
  const surplus = withoutKarpenter || existing.simulatedNodes > record.simulatedNodes;
  if (!surplus || deadComponents(record, paths).length > 0) {
    return;
  }
  const api = new Api(credentialsOf(paths.kubeconfig));
  try {
    if (withoutKarpenter) {
      // First: it would make nodes for what leaves the others.
      await removeKarpenter(api, paths, context);
    }
    await removeSurplusNodes(api, record, context.onProgress);
  } finally {
    api.close();
  }
}

/**
 * Processes, namespaces and mounts that should be there and are not, and of which the supervisor
 * does not bring back by itself. Empty: all is well.
 */
export function missingParts(record: ClusterRecord, paths: ClusterPaths): string[] {
  const daemons = [
    ...(record.realNode ? NODE_COMPONENTS : []),
    ...(record.autoscaling === true ? [KARPENTER] : []),
  ];
  const dead = [
    ...deadComponents(record, paths),
    ...daemons.filter((name) => daemonPid(paths, name) === undefined),
  ];
  return [
    ...(namespaceExists(record.network) ? [] : ["network namespace"]),
    // Of a cluster from before there was one: with it come also the mounts and flags of that time.
    ...(existsSync(paths.encryption) ? [] : ["key of the Secrets"]),
    ...(!record.realNode || mountNamespaceExists(paths) ? [] : ["mount namespace"]),
    ...dead.filter((name) => !isBeingRestarted(paths, name)),
    ...(isSupervised(paths) ? [] : [AGENT]),
  ];
}
