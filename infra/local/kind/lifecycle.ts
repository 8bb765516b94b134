import { randomUUID } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { parse } from "yaml";

import type { BuiltImage } from "../../images/store";
import { AGENT, runAgent, waitForAgent } from "../runtime/agent";
import { Api, credentialsOf } from "../runtime/api";
import { daemonPid } from "../runtime/daemon";
import { deleteCluster } from "../runtime/delete";
import { LocalClusterError } from "../runtime/errors";
import { withHeldSupervision } from "../runtime/hold";
import type { RuntimeContext } from "../runtime/lifecycle";
import { type ClusterPaths, clusterPaths } from "../runtime/paths";
import { freePorts } from "../runtime/ports";
import { readText } from "../runtime/process";
import type { ClusterSpec } from "../runtime/spec";
import { kindName, type KindTool, nodeContainer, runContainer, runKind } from "./commands";
import { kindConfig, NODE_PORTS } from "./config";
import type { ContainerEngine } from "./container-engine";
import { nodeImage } from "./node-image";
import { type KindRecord, readKindRecord, saveKindRecord } from "./record";

const READY_MS = 120_000;

/**
 * Makes the cluster, or starts again the one that is there, with its data. Safe to repeat after an
 * interruption at any point.
 *
 * @param container what kind makes a new cluster in; one that is there stays where it is
 */
export async function ensureKindCluster(
  spec: ClusterSpec,
  container: ContainerEngine,
  context: RuntimeContext,
): Promise<KindRecord> {
  const paths = clusterPaths(context.projectRoot, spec.name);
  const existing = readKindRecord(paths);
  const record = existing === undefined ? await newRecord(spec, container) : { ...existing, spec };
  const tool = await kindTool(record, context);
  if (existing === undefined) await refuseStranger(spec.name, tool);
  saveKindRecord(paths, record);
  const state = await containerState(record, context.signal);
  if (state === "absent") await create(record, paths, tool);
  else if (state === "stopped") {
    const start = ["start", nodeContainer(spec.name)];
    context.onProgress(`starting the container ${nodeContainer(spec.name)}`);
    await runContainer("starting the node's container", start, { ...record, ...context });
  }
  await exportKubeconfig(record, paths, tool);
  context.onProgress("waiting for the API server");
  await waitForApi(paths, context.signal);
  await withHeldSupervision(paths, () => startAgent(record, paths, context), context.signal);
  return record;
}

/** Parts that should run and do not. Empty: all is well. */
export async function missingKindParts(record: KindRecord, paths: ClusterPaths): Promise<string[]> {
  const state = await containerState(record).catch(
    () => `not known: ${record.container.name} does not answer`,
  );
  return [
    ...(state === "running" ? [] : [`container ${nodeContainer(record.spec.name)} (${state})`]),
    ...(daemonPid(paths, AGENT) === undefined ? [AGENT] : []),
  ];
}

/** Removes the container with all in it, the agent and the files. */
export async function deleteKindCluster(name: string, context: RuntimeContext): Promise<void> {
  const paths = clusterPaths(context.projectRoot, name);
  const record = readKindRecord(paths);
  if (record !== undefined) {
    const tool = await kindTool(record, context);
    const args = ["delete", "cluster", "--name", kindName(name), "--kubeconfig", paths.kubeconfig];
    await runKind("removing the kind cluster", args, tool);
  }
  await deleteCluster(context.projectRoot, name);
}

/** Brings an image into the node's containerd, under its reference by digest. */
export async function loadKindImage(
  record: KindRecord,
  image: BuiltImage,
  context: RuntimeContext,
): Promise<void> {
  const args = ["load", "image-archive", image.archive, "--name", kindName(record.spec.name)];
  await runKind("loading the image into the node", args, await kindTool(record, context));
}

export async function hasKindImage(record: KindRecord, reference: string): Promise<boolean> {
  const list = [
    "exec",
    nodeContainer(record.spec.name),
    "ctr",
    "-n",
    "k8s.io",
    "images",
    "ls",
    "-q",
  ];
  return (await runContainer("listing images", list, record)).split("\n").includes(reference);
}

async function newRecord(spec: ClusterSpec, container: ContainerEngine): Promise<KindRecord> {
  const { version } = nodeImage(spec.kubernetesVersion);
  const firstHostPort = await freePorts(NODE_PORTS.count);
  return { uid: randomUUID(), spec, kubernetes: version, container, firstHostPort };
}

async function create(record: KindRecord, paths: ClusterPaths, tool: KindTool): Promise<void> {
  const { image } = nodeImage(record.spec.kubernetesVersion);
  const file = join(paths.root, "kind-config.yaml");
  writeFileSync(file, kindConfig({ image, firstHostPort: record.firstHostPort }));
  const name = ["--name", kindName(record.spec.name), "--kubeconfig", paths.kubeconfig];
  await runKind(
    "making the kind cluster",
    ["create", "cluster", ...name, "--config", file, "--wait", "2m"],
    tool,
  );
}

/** kind's kubeconfig with our name of the context, as JSON, which the agent reads too. */
async function exportKubeconfig(
  { spec }: KindRecord,
  paths: ClusterPaths,
  tool: KindTool,
): Promise<void> {
  const draft = `${paths.kubeconfig}.kind`;
  const args = ["export", "kubeconfig", "--name", kindName(spec.name), "--kubeconfig", draft];
  await runKind("writing the kubeconfig", args, tool);
  const config: unknown = parse(readFileSync(draft, "utf8"));
  writeFileSync(paths.kubeconfig, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  rmSync(draft);
}

async function waitForApi(paths: ClusterPaths, signal?: AbortSignal): Promise<void> {
  const api = new Api(credentialsOf(paths.kubeconfig));
  const deadline = Date.now() + READY_MS;
  try {
    for (;;) {
      try {
        await api.call("GET", "/readyz");
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
      await sleep(500, undefined, { signal });
    }
  } finally {
    api.close();
  }
}

async function startAgent(
  record: KindRecord,
  paths: ClusterPaths,
  { projectRoot, signal }: RuntimeContext,
): Promise<void> {
  await runAgent(paths, {
    projectRoot,
    clusterName: record.spec.name,
    kubeconfig: paths.kubeconfig,
    apiServerPort: Number(new URL(kindServer(paths)).port),
    loadBalancerAddress: record.spec.loadBalancerAddress,
    nodeAddress: "127.0.0.1",
    nodePortOffset: record.firstHostPort - NODE_PORTS.first,
  });
  await waitForAgent(paths, signal);
}

/** URL of the API server; empty where no kubeconfig is there yet. */
export function kindServer(paths: Pick<ClusterPaths, "kubeconfig">): string {
  return readText(paths.kubeconfig) === undefined ? "" : credentialsOf(paths.kubeconfig).server;
}

type ContainerState = "running" | "stopped" | "absent";

async function containerState(
  { container, spec }: KindRecord,
  signal?: AbortSignal,
): Promise<ContainerState> {
  const list = ["ps", "--all", "--format", "{{.Names}} {{.State}}"];
  const rows = await runContainer("listing containers", list, { container, signal });
  const row = rows.split("\n").find((line) => line.split(" ")[0] === nodeContainer(spec.name));
  if (row === undefined) return "absent";
  return row.split(" ")[1] === "running" ? "running" : "stopped";
}

/** A cluster of kind's that bears our name and that we do not know is somebody's. */
async function refuseStranger(name: string, tool: KindTool): Promise<void> {
  const clusters = await runKind("listing kind clusters", ["get", "clusters"], tool);
  if (!clusters.split("\n").includes(kindName(name))) return;
  throw new LocalClusterError(
    `there is a kind cluster ${kindName(name)} already, not of this project`,
    {
      fix: `choose another cluster.name, or remove that one: kind delete cluster --name ${kindName(name)}`,
    },
  );
}

async function kindTool(record: KindRecord, context: RuntimeContext): Promise<KindTool> {
  const { kind = "kind" } = await context.resolveTools(["kind"]);
  const { signal, onProgress } = context;
  return { kind, container: record.container, signal, onProgress };
}
