import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Api, namesIn, unlessGone } from "../runtime/api";
import type { Tools } from "../runtime/control-plane";
import {
  type Daemon,
  recordedComponents,
  restartChanged,
  startDaemon,
  stopDaemon,
} from "../runtime/daemon";
import { removeSimulatedNodes } from "../runtime/drain";
import { kubeconfig } from "../runtime/kubeconfig";
import type { ClusterPaths } from "../runtime/paths";
import { inNetwork, readText } from "../runtime/process";
import { waitUntilHealthy } from "../runtime/readiness";
import {
  apiServerUrl,
  type ClusterRecord,
  KARPENTER_PORTS,
  SIMULATED_ZONES,
} from "../runtime/spec";
import { accessObjects, COLLECTIONS, SELECTOR, USER } from "./access";
import {
  deleteDefinitions,
  kindDefinitions,
  presentDefinitions,
  waitForDefinitions,
} from "./definitions";
import { instanceTypes } from "./instance-types";

/** Its name among the cluster's components. */
export const KARPENTER = "karpenter";

const READY_MS = 30_000;
const NODES = "/api/v1/nodes";
const NODE_CLAIMS = "/apis/karpenter.sh/v1/nodeclaims";
/** Of every node that Karpenter made. */
const POOL_LABEL = "karpenter.sh/nodepool";
const ZONE = "topology.kubernetes.io/zone";

const folderOf = ({ root }: Pick<ClusterPaths, "root">): string => join(root, "karpenter");

interface Context {
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Starts Karpenter where the record asks for it, and takes it out of the cluster where not. */
export async function reconcileKarpenter(
  api: Api,
  { record, tools }: { readonly record: ClusterRecord; readonly tools: Tools },
  paths: ClusterPaths,
  context: Context,
): Promise<void> {
  const { onProgress, signal } = context;
  if (record.autoscaling === true) {
    onProgress("starting Karpenter");
    await startKarpenter(api, record, paths, tools, signal);
  } else if (isKarpenterUnwanted(record, paths) || (await presentDefinitions(api)).length > 0) {
    // A snapshot from when it ran brings its nodes back, not its files.
    await removeKarpenter(api, paths, context);
  }
}

/** With its kinds and its rights in the cluster; a changed one in place of the former. */
async function startKarpenter(
  api: Api,
  record: ClusterRecord,
  paths: ClusterPaths,
  tools: Tools,
  signal?: AbortSignal,
): Promise<void> {
  const definitions = await kindDefinitions(tools, signal);
  // The kinds first: by them a cluster is known that has anything of it.
  for (const { path, object } of [...definitions, ...accessObjects()]) {
    await api.apply(path, object);
  }
  // It looks for them once, at its start.
  await waitForDefinitions(api, definitions, signal);
  // Right before: interrupted in between, the next run would find nothing changed.
  const outdated = await configure(record, paths);
  await restartChanged(paths, karpenterDaemon(record, paths, tools), outdated);
}

/** @returns whether it has to read its files anew */
async function configure(record: ClusterRecord, paths: ClusterPaths): Promise<boolean> {
  const folder = folderOf(paths);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const certificate = join(folder, "client");
  if (!existsSync(`${certificate}.crt`)) {
    // Loaded where it is needed: a preview need not know X.509.
    const { CertificateAuthority } = await import("../runtime/pki.js");
    const authority = await CertificateAuthority.load(paths.controlPlaneCertificates);
    await authority.issue(certificate, { commonName: USER });
  }
  const access = kubeconfig({
    cluster: record.spec.name,
    server: apiServerUrl(record),
    authority: join(paths.controlPlaneCertificates, "ca.crt"),
    certificate: `${certificate}.crt`,
    key: `${certificate}.key`,
  });
  const types = `${JSON.stringify(instanceTypes(zonesOf(record)), undefined, 2)}\n`;
  const written = [write(kubeconfigFile(paths), access), write(typesFile(paths), types)];
  return written.includes(true);
}

/** @returns whether the file held something else */
function write(file: string, text: string): boolean {
  if (readText(file) === text) return false;
  writeFileSync(file, text, { mode: 0o600 });
  return true;
}

function zonesOf({ spec }: ClusterRecord): readonly string[] {
  const zone = spec.nodes.labels?.simulated?.[ZONE];
  return zone === undefined ? SIMULATED_ZONES : [zone];
}

const kubeconfigFile = (paths: ClusterPaths): string => join(folderOf(paths), "kubeconfig");
const typesFile = (paths: ClusterPaths): string => join(folderOf(paths), "instance-types.json");

function karpenterDaemon(record: ClusterRecord, paths: ClusterPaths, tools: Tools): Daemon {
  const command = {
    file: tools.karpenter ?? KARPENTER,
    args: [
      `--instance-types-file-path=${typesFile(paths)}`,
      // Alone there is nobody to take turns with.
      "--disable-leader-election=true",
      `--health-probe-port=${String(KARPENTER_PORTS.health)}`,
      `--metrics-port=${String(KARPENTER_PORTS.metrics)}`,
    ],
    env: { KUBECONFIG: kubeconfigFile(paths), GOMEMLIMIT: "96MiB" },
  };
  return { name: KARPENTER, command: inNetwork(record.network, command) };
}

/** Until it has read the cluster's state; at once where there is none. */
export async function waitForKarpenter(
  { network, autoscaling }: ClusterRecord,
  paths: ClusterPaths,
  signal?: AbortSignal,
): Promise<void> {
  if (autoscaling !== true) return;
  const url = `http://${network.address}:${String(KARPENTER_PORTS.health)}/readyz`;
  const hints = {
    why: `${url} does not answer with 200 after ${String(READY_MS / 1000)} s`,
    fix: `see ${join(paths.logs, `${KARPENTER}.log`)}`,
  };
  await waitUntilHealthy({ name: "Karpenter", url, withinMs: READY_MS, hints }, signal);
}

/**
 * Stops it while etcd's data change hands: what it remembers is of the former ones.
 * @returns starts it again as it was, where it was to run
 */
export async function pauseKarpenter(paths: ClusterPaths): Promise<() => void> {
  const daemon = recordedComponents(paths).find(({ name }) => name === KARPENTER);
  await stopDaemon(paths, KARPENTER);
  return () => {
    if (daemon !== undefined) startDaemon(paths, daemon);
  };
}

/** Whether it is to go from a cluster that still has files of it. */
export function isKarpenterUnwanted({ autoscaling }: ClusterRecord, paths: ClusterPaths): boolean {
  return autoscaling !== true && existsSync(folderOf(paths));
}

/** Takes it out of the cluster again: process, nodes with their pods, rights, kinds and files. */
export async function removeKarpenter(
  api: Api,
  paths: ClusterPaths,
  { onProgress, signal }: Context,
): Promise<void> {
  onProgress("removing Karpenter");
  await stopDaemon(paths, KARPENTER);
  const nodes = await namesIn(api, `${NODES}?labelSelector=${POOL_LABEL}`);
  await removeSimulatedNodes(api, nodes, onProgress);
  const claims = await namesIn(api, NODE_CLAIMS);
  const finished = [
    ...nodes.map((name) => `${NODES}/${name}`),
    ...claims.map((name) => `${NODE_CLAIMS}/${name}`),
  ];
  for (const path of finished) {
    // Karpenter, which would take them away when its work is done, does not run any more.
    await unlessGone(api.call("PATCH", path, { metadata: { finalizers: null } }));
  }
  for (const collection of COLLECTIONS) {
    await api.call("DELETE", `${collection}?${SELECTOR}`);
  }
  // Last, as they came first.
  await deleteDefinitions(api, signal);
  rmSync(folderOf(paths), { recursive: true, force: true });
}
