import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { apiServerFlags, type Flag, prepareApiServer } from "./api-server";
import { type Component, forgetComponent, pidIn, recordComponent } from "./daemon";
import { clientUrl, keepDataApart, peerUrl } from "./etcd";
import { whileComponentsLive } from "./startup";
import { KWOK_CLUSTER, type ClusterPaths } from "./paths";
import { type Command, endProcess, inNetwork, processesWhere, readText, run } from "./process";
import {
  API_SERVICE_ADDRESS,
  type ClusterRecord,
  POD_CIDR,
  SERVICE_CIDR,
  SIMULATED_NODE,
  simulatesNodes,
} from "./spec";

/** Paths of the executables, by tool name. */
export type Tools = Readonly<Record<string, string>>;

export const CONTROL_PLANE = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
] as const;

const SIMULATOR = "kwok-controller";
const STOP_MS = 10_000;

/** The control plane's executables that must run; kwok only where nodes are simulated. */
export function controlPlaneComponents(record: ClusterRecord): string[] {
  return [...CONTROL_PLANE, ...(simulatesNodes(record) ? [SIMULATOR] : [])];
}

/** Makes the control plane, or starts the one that is there, and waits until the API answers. */
export async function startControlPlane(
  record: ClusterRecord,
  paths: ClusterPaths,
  tools: Tools,
  signal?: AbortSignal,
): Promise<void> {
  mkdirSync(paths.kwokWorkdir, { recursive: true, mode: 0o700 });
  await prepareApiServer(paths);
  const settings = join(paths.root, "kwokctl.yaml");
  const text = kwokctlConfig(record, paths, tools);
  const made = existsSync(kwokctlRecord(paths));
  const changed = made && readText(settings) !== text;
  if (made) {
    removeStalePids(paths);
  }
  if (changed) {
    // kwokctl cannot change a cluster; it makes it anew around the certificates and etcd's data.
    await stopControlPlane(record, paths, tools);
    rmSync(kwokctlRecord(paths));
  }
  if (!made || changed) {
    keepDataApart(paths);
    // kwokctl keeps a link that it finds, also one to another version.
    rmSync(join(paths.controlPlane, "bin"), { recursive: true, force: true });
  }
  // Under its own name only when the cluster is made: after an interruption it is made anew.
  const draft = `${settings}.new`;
  if (!made || changed) {
    rmSync(settings, { force: true });
    writeFileSync(draft, text);
  }
  // kwokctl writes a kubeconfig of its own too; it must not be the user's ~/.kube/config.
  const files = ["--config", draft, "--kubeconfig", join(paths.kwokWorkdir, "kubeconfig")];
  const action = made && !changed ? ["start", "cluster"] : ["create", "cluster", ...files];
  await whileComponentsLive(paths, signal, (stop) =>
    run(
      "starting the control plane",
      inNetwork(record.network, kwokctl(paths, tools, action)),
      stop,
    ),
  );
  if (!made || changed) {
    renameSync(draft, settings);
  }
  await recordComponents(record, paths);
}

/** kwokctl's own description of the cluster: with it the cluster exists for kwokctl. */
function kwokctlRecord(paths: ClusterPaths): string {
  return join(paths.controlPlane, "kwok.yaml");
}

export async function stopControlPlane(
  record: ClusterRecord,
  paths: ClusterPaths,
  tools: Tools,
): Promise<void> {
  for (const name of [...CONTROL_PLANE, SIMULATOR]) {
    forgetComponent(paths, name);
  }
  if (existsSync(kwokctlRecord(paths))) {
    removeStalePids(paths);
    const action = kwokctl(paths, tools, ["stop", "cluster"]);
    await run("stopping the control plane", inNetwork(record.network, action));
  }
  await waitUntilStopped(paths);
}

/** kwokctl sends its signals and goes; the data may be moved only when nobody writes it any more. */
async function waitUntilStopped(paths: ClusterPaths): Promise<void> {
  for (let waited = 0; waited < STOP_MS && controlPlanePids(paths).length > 0; waited += 50) {
    await sleep(50);
  }
  await Promise.all(controlPlanePids(paths).map((pid) => endProcess(pid, 1_000)));
}

/** Names of components that should run and do not. */
export function deadComponents(record: ClusterRecord, paths: ClusterPaths): string[] {
  return controlPlaneComponents(record).filter((name) => {
    const executable = join(paths.controlPlane, "bin", name);
    return componentPid(paths, name, executable) === undefined;
  });
}

function componentPid(paths: ClusterPaths, name: string, executable: string): number | undefined {
  return pidIn(join(paths.controlPlane, "pids", `${name}.pid`), executable);
}

/** From now on the supervisor starts them again, with the very command that kwokctl noted. */
async function recordComponents(record: ClusterRecord, paths: ClusterPaths): Promise<void> {
  // Loaded when a control plane is made: the first of the documents describes it.
  const { parse } = await import("yaml");
  const [text = ""] = (readText(kwokctlRecord(paths)) ?? "").split("\n---\n");
  const { components = [] } = parse(text) as { components?: KwokctlComponent[] };
  for (const { name, binary, args, workDir, envs = [] } of components) {
    const variables = Object.fromEntries(envs.map((it) => [it.name, it.value ?? ""]));
    const command = {
      file: binary,
      args,
      cwd: workDir,
      env: { ...kwokctlEnvironment(paths), ...variables },
    };
    const component: Component = {
      name,
      command: inNetwork(record.network, command),
      log: join(paths.controlPlane, "logs", `${name}.log`),
      pidFile: join(paths.controlPlane, "pids", `${name}.pid`),
      executable: binary,
    };
    recordComponent(paths, component);
  }
}

/** What kwokctl notes of a component in its description of the cluster. */
interface KwokctlComponent {
  readonly name: string;
  readonly binary: string;
  readonly args: readonly string[];
  readonly workDir: string;
  readonly envs?: readonly { readonly name: string; readonly value?: string }[];
}

/** kwokctl takes any process with a recorded pid for its own; after a reboot that is wrong. */
function removeStalePids(paths: ClusterPaths): void {
  const folder = join(paths.controlPlane, "pids");
  for (const file of existsSync(folder) ? readdirSync(folder) : []) {
    const name = file.replace(/\.pid$/, "");
    if (componentPid(paths, name, join(paths.controlPlane, "bin", name)) === undefined) {
      rmSync(join(folder, file), { force: true });
    }
  }
}

/** Pids of everything that belongs to the control plane, whatever its pid files say. */
export function controlPlanePids(paths: ClusterPaths): number[] {
  return processesWhere(([file = ""]) => file.startsWith(`${join(paths.controlPlane, "bin")}/`));
}

function kwokctl(paths: ClusterPaths, tools: Tools, action: string[]): Command {
  return {
    file: tools.kwokctl ?? "kwokctl",
    args: [...action, "--name", KWOK_CLUSTER],
    env: kwokctlEnvironment(paths),
  };
}

function kwokctlEnvironment(paths: ClusterPaths): Record<string, string> {
  return { KWOK_WORKDIR: paths.kwokWorkdir, HOME: paths.kwokWorkdir };
}

/** What kwokctl leaves out for its simulated nodes and a real one needs. */
function kwokctlConfig(record: ClusterRecord, paths: ClusterPaths, tools: Tools): string {
  const { network, ports } = record;
  const pki = paths.controlPlaneCertificates;
  const client = clientUrl(record);
  const peer = peerUrl(record);
  const loopback: Flag = { key: "bind-address", value: "127.0.0.1", override: true };
  const quiet: Flag = { key: "profiling", value: "false" };
  // Alone there is nobody to take turns with: after a kill the next one would wait 15 s for the lease.
  const alone: Flag = { key: "leader-elect", value: "false" };
  const flags: Record<string, Flag[]> = {
    etcd: [
      { key: "listen-client-urls", value: client, override: true },
      { key: "advertise-client-urls", value: client, override: true },
      { key: "listen-peer-urls", value: peer, override: true },
      { key: "initial-advertise-peer-urls", value: peer, override: true },
      { key: "initial-cluster", value: `node0=${peer}`, override: true },
      // Any user of this machine reaches its loopback: only a certificate opens the data.
      ...["", "peer-"].flatMap((side) => [
        { key: `${side}cert-file`, value: join(pki, "admin.crt") },
        { key: `${side}key-file`, value: join(pki, "admin.key") },
        { key: `${side}trusted-ca-file`, value: join(pki, "ca.crt") },
        { key: `${side}client-cert-auth`, value: "true" },
      ]),
    ],
    "kube-apiserver": apiServerFlags(record, paths),
    "kube-controller-manager": [
      { key: "allocate-node-cidrs", value: "true" },
      { key: "cluster-cidr", value: POD_CIDR },
      { key: "service-cluster-ip-range", value: SERVICE_CIDR },
      { key: "cluster-signing-cert-file", value: join(pki, "ca.crt") },
      { key: "cluster-signing-key-file", value: join(pki, "ca.key") },
      // A new node keeps its taint not-ready until the next look at it.
      { key: "node-monitor-period", value: "1s", override: true },
      // Its 20 requests a second spare an API server that many share; here they hold one user's deletes up.
      { key: "kube-api-qps", value: "200" },
      { key: "kube-api-burst", value: "400" },
      loopback,
      alone,
      quiet,
    ],
    "kube-scheduler": [loopback, alone, quiet],
    "kwok-controller": [
      // Otherwise kwok would simulate the real node as well.
      { key: "manage-all-nodes", value: "false", override: true },
      {
        key: "manage-nodes-with-annotation-selector",
        value: `${SIMULATED_NODE.key}=${SIMULATED_NODE.value}`,
      },
    ],
  };
  const components = controlPlaneComponents(record);
  // JSON is YAML too.
  const config = {
    kind: "KwokctlConfiguration",
    apiVersion: "config.kwok.x-k8s.io/v1alpha1",
    options: {
      runtime: "binary",
      components,
      kubeVersion: `v${record.kubernetes}`,
      // All addresses of the namespace, or the host's loopback alone.
      bindAddress: network.kind === "namespace" ? "0.0.0.0" : "127.0.0.1",
      kubeApiserverCertSANs: [API_SERVICE_ADDRESS, network.address],
      kubeApiserverPort: ports.apiServer,
      etcdPort: ports.etcd,
      etcdPeerPort: ports.etcdPeer,
      kubeControllerManagerPort: ports.controllerManager,
      kubeSchedulerPort: ports.scheduler,
      kwokControllerPort: ports.kwok,
      // kwokctl stretches heartbeats by 5, for thousands of nodes; a real node needs them as they are.
      heartbeatFactor: 1,
      etcdBinary: tools.etcd,
      kubeApiserverBinary: tools["kube-apiserver"],
      kubeControllerManagerBinary: tools["kube-controller-manager"],
      kubeSchedulerBinary: tools["kube-scheduler"],
      kubectlBinary: tools.kubectl,
      kwokControllerBinary: tools.kwok,
    },
    componentsPatches: components.map((name) => ({
      name,
      extraArgs: flags[name],
    })),
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
