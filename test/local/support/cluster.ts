import { join } from "node:path";

import { Api, credentialsOf, type KubernetesObject } from "../../../infra/local/runtime/api";
import { processesWhere, readText } from "../../../infra/local/runtime/process";
import type { PropertyMap } from "../../../toolchain/plugin/serve";
import { findProgram } from "./host";
import type { Project } from "./plugin";
import { eventually, eventuallyHolds } from "../../support/eventually";

export const CLUSTER_URN = "urn:pulumi:dev::drydock::drydock:local:Cluster::cluster-local";
export const IMAGE_URN = "urn:pulumi:dev::drydock::drydock:local:Image::web-image";

export function clusterInputs(clusterName: string, real = "auto", simulated = 0): PropertyMap {
  const nodes = { real, simulated };
  return { clusterName, kubernetesVersion: "1.36", nodes, loadBalancerAddress: "127.0.0.1" };
}

/** Pids of a project's processes: their executable or an argument lies in its cluster folder. */
export function processesOf(project: Project): number[] {
  return processesWhere((args) => args.some((arg) => arg.includes(`${project.clusters}/`)));
}

/** A crash of everything, the supervisor with it: it may just be starting one of them again. */
export async function killEverything(project: Project): Promise<void> {
  await eventually(() => {
    const pids = processesOf(project);
    pids.forEach((pid) => endNow(pid));
    return pids.length === 0;
  });
}

function endNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}

/** Empty where the process is gone by now. */
export function nameOf(pid: number): string {
  return readText(`/proc/${String(pid)}/comm`)?.trim() ?? "";
}

/** Addresses, without the port, on which the processes listen in this network namespace. */
export async function listenAddresses(pids: readonly number[]): Promise<string[]> {
  const { stdout } = await findProgram("ss").run("--tcp", "--udp", "-lnpH");
  const own = stdout
    .split("\n")
    .filter((line) => pids.some((pid) => line.includes(`pid=${String(pid)},`)));
  return [...new Set(own.map((line) => line.split(/\s+/)[4]?.replace(/:\d+$/, "") ?? ""))];
}

/** A client of the cluster's API server with the administrator's kubeconfig. */
export async function withApi<T>(
  project: Project,
  cluster: string,
  use: (api: Api) => Promise<T>,
): Promise<T> {
  const api = new Api(credentialsOf(join(project.clusters, cluster, "kubeconfig")));
  try {
    return await use(api);
  } finally {
    api.close();
  }
}

export interface Pod extends KubernetesObject {
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly phase?: string };
}

/** A pod that any cluster schedules; on a simulated node it "runs" without a process. */
export function pod(name: string): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { containers: [{ name: "web", image: "example.com/web:1" }] },
  };
}

/** Until the default service account is there: before that no pod is admitted. */
export async function createPod(api: Api, name: string): Promise<void> {
  await eventuallyHolds(async () => {
    await api.call("POST", "/api/v1/namespaces/default/pods", pod(name));
  });
}

/** Inputs of an image of one small file. */
export function imageInputs(clusterName: string): PropertyMap {
  const recipe = {
    name: "drydock/web",
    title: "web",
    description: "for a test",
    base: { kind: "scratch" },
    layers: [{ name: "page", entries: [{ kind: "text", path: "index.html", text: "hello" }] }],
    config: {},
  };
  return { clusterName, recipe: JSON.stringify(recipe), sourceHash: "0".repeat(64) };
}
