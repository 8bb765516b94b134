import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { inject } from "vitest";

import { choosePorts } from "../../infra/local/runtime/ports";
import { choosePrivately } from "./ports";

const run = promisify(execFile);

export interface ControlPlane {
  /** Content of an administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** URL of the API server, on a loopback address. */
  readonly server: string;
  /** Kills the API server, and nothing else. */
  killApiServer(): Promise<void>;
  /** Starts what {@link killApiServer} ended, and waits until it is ready. */
  reviveApiServer(): Promise<void>;
  /** Ends every process of the control plane and removes its files. */
  stop(): Promise<void>;
}

export interface ControlPlaneOptions {
  /** Nodes that kwok simulates: pods on them become ready, no process runs. Default 1. */
  readonly nodes?: number;
  /** CIDR of the Services' addresses. Default: the API server's own. */
  readonly serviceRange?: string;
}

/**
 * Starts etcd, API server, controller manager, scheduler and kwok as processes that listen on
 * loopback only, under a random name and in a temporary folder of their own.
 *
 * @throws Error with the end of kwokctl's output; nothing is left then.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const binaries = inject("binaries");
  const folder = await mkdtemp(join(tmpdir(), "drydock-control-plane-"));
  const name = `test-${randomBytes(4).toString("hex")}`;
  const kubeconfigPath = join(folder, "kubeconfig");
  const env = { ...process.env, KWOK_WORKDIR: folder, KUBECONFIG: kubeconfigPath, HOME: folder };
  const kwokctl = (...args: string[]) =>
    run(join(binaries, "kwokctl"), [`--name=${name}`, ...args], { env });
  const stop = async (): Promise<void> => {
    await kwokctl("delete", "cluster").catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const config = join(folder, "config.yaml");
    await writeFile(config, await configuration(options));
    await kwokctl(
      "create",
      "cluster",
      "--runtime=binary",
      `--config=${config}`,
      `--kubeconfig=${kubeconfigPath}`,
      "--wait=150s",
      ...binaryFlags(binaries),
    );
    await kwokctl("scale", "node", `--replicas=${String(options.nodes ?? 1)}`);
    const kubeconfig = await inlined(kubeconfigPath, kwokctl);
    const server = /server: (\S+)/.exec(kubeconfig)?.[1] ?? "";
    const killApiServer = () => kill(join(folder, "clusters", name, "pids", "kube-apiserver.pid"));
    const reviveApiServer = async (): Promise<void> => {
      // Components that run are left as they are.
      await kwokctl("start", "cluster", "--wait=150s");
    };
    return { kubeconfig, server, killApiServer, reviveApiServer, stop };
  } catch (error) {
    await stop();
    throw new Error(`the control plane did not start: ${outputOf(error)}`, { cause: error });
  }
}

/** @param pidFile goes too: kwokctl would take whatever has that number for the component */
async function kill(pidFile: string): Promise<void> {
  process.kill(Number(await readFile(pidFile, "utf8")), "SIGKILL");
  await rm(pidFile);
}

function binaryFlags(folder: string): string[] {
  const flags = {
    etcd: "etcd",
    "kube-apiserver": "kube-apiserver",
    "kube-controller-manager": "kube-controller-manager",
    "kube-scheduler": "kube-scheduler",
    "kwok-controller": "kwok",
  };
  return Object.entries(flags).map(([flag, file]) => `--${flag}-binary=${join(folder, file)}`);
}

/** kwokctl binds every component to all addresses; tests must not be seen from outside. */
async function configuration({ serviceRange }: ControlPlaneOptions): Promise<string> {
  const ports = await choosePrivately(
    () => choosePorts({ kind: "loopback", address: "127.0.0.1" }),
    (chosen) => Object.values(chosen) as number[],
  );
  const loopback = (port: number) => `http://127.0.0.1:${String(port)}`;
  const bind = { "bind-address": "127.0.0.1" };
  return [
    "apiVersion: config.kwok.x-k8s.io/v1alpha1",
    "kind: KwokctlConfiguration",
    "options:",
    `  etcdPort: ${String(ports.etcd)}`,
    `  etcdPeerPort: ${String(ports.etcdPeer)}`,
    `  kubeApiserverPort: ${String(ports.apiServer)}`,
    `  kubeControllerManagerPort: ${String(ports.controllerManager)}`,
    `  kubeSchedulerPort: ${String(ports.scheduler)}`,
    `  kwokControllerPort: ${String(ports.kwok)}`,
    "componentsPatches:",
    patch("etcd", {
      "listen-client-urls": loopback(ports.etcd),
      "advertise-client-urls": loopback(ports.etcd),
      "listen-peer-urls": loopback(ports.etcdPeer),
    }),
    patch("kube-apiserver", { ...bind, "advertise-address": "127.0.0.1" }),
    ...(serviceRange === undefined ? [] : [added("service-cluster-ip-range", serviceRange)]),
    patch("kube-controller-manager", bind),
    // As in a local cluster. One that leads would end when the API server is away for ten seconds.
    added("kube-api-qps", "200"),
    added("kube-api-burst", "400"),
    added("leader-elect", "false"),
    patch("kube-scheduler", bind),
    added("leader-elect", "false"),
    patch("kwok-controller", {
      "server-address": `127.0.0.1:${String(ports.kwok)}`,
      "manage-all-nodes": "false",
    }),
    // Only nodes that say so are simulated: on any other one a test plays the kubelet.
    added("manage-nodes-with-annotation-selector", "kwok.x-k8s.io/node=fake"),
    "",
  ].join("\n");
}

function patch(component: string, flags: Readonly<Record<string, string>>): string {
  const args = Object.entries(flags).map(([key, value]) => added(key, value, "override: true"));
  return [`- name: ${component}`, "  extraArgs:", ...args].join("\n");
}

/** A flag of the component before it; one that kwokctl sets itself must be overridden. */
function added(key: string, value: string, ...how: string[]): string {
  return [`  - key: ${key}`, ...[`value: "${value}"`, ...how].map((it) => `    ${it}`)].join("\n");
}

/** A kubeconfig that holds its certificates and does not name files of the cluster's folder. */
async function inlined(
  path: string,
  kwokctl: (...args: string[]) => Promise<{ stdout: string }>,
): Promise<string> {
  const { stdout } = await kwokctl("get", "kubeconfig");
  return stdout === "" ? readFile(path, "utf8") : stdout;
}

function outputOf(error: unknown): string {
  const { stderr = "", message = "" } = error as { stderr?: string; message?: string };
  return `${message}\n${stderr}`.split("\n").slice(-15).join("\n");
}
