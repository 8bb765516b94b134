import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { expect } from "vitest";

import { deleteCgroup } from "../../../infra/local/runtime/cgroups";
import { clusterPids as membersOf } from "../../../infra/local/runtime/members";
import { interfaceName } from "../../../infra/local/runtime/network";
import { clusterPaths } from "../../../infra/local/runtime/paths";
import { eventuallyHolds } from "../../support/eventually";

/** What the host holds that a cluster could leave behind, one line a thing. */
export function hostState(): string[] {
  const lines = (file: string, ...args: string[]): string[] =>
    execFileSync(file, args, { encoding: "utf8" }).split("\n").filter(Boolean);
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1]);
  const interfaces = readdirSync("/sys/class/net");
  const namespaces = existsSync("/run/netns") ? readdirSync("/run/netns") : [];
  // The cgroup of a cluster lies at the top with v2, and in each hierarchy with v1.
  const cgroups = readdirSync("/sys/fs/cgroup", { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [name, ...entriesOf(`/sys/fs/cgroup/${name}`)])
    .filter((name) => name.startsWith("drydock-"));
  const rules =
    process.getuid?.() === 0 ? lines("iptables-save").filter((line) => line.startsWith("-A")) : [];
  return [
    ...mounts.map((path) => `mount ${path ?? ""}`),
    ...interfaces.map((name) => `interface ${name}`),
    ...namespaces.map((name) => `network namespace ${name}`),
    ...[...new Set(cgroups)].map((name) => `cgroup ${name}`),
    ...lines("ip", "route").map((route) => `route ${route}`),
    ...rules.map((rule) => `iptables ${rule}`),
    ...FOLDERS.flatMap((folder) => entriesOf(folder).map((name) => `path ${folder}/${name}`)),
  ];
}

/** Where the parts of a node would leave files of their own. */
const FOLDERS = ["/opt", "/run", "/run/containerd", "/run/drydock", "/var/lib", "/var/log"];

const entriesOf = (folder: string): string[] => unlessGone(() => readdirSync(folder), []);

/**
 * What the host holds now and did not before, and the other way round. Where clusters of others ran then or
 * run now, only what bears a name of ours.
 */
export function hostChanges(before: readonly string[], clusters: readonly string[]): string[] {
  const after = hostState();
  const changes = [
    ...after.filter((line) => !before.includes(line)).map((line) => `new: ${line}`),
    ...before.filter((line) => !after.includes(line)).map((line) => `gone: ${line}`),
  ];
  const running = [...before, ...after].flatMap(
    (line) => /^path \/run\/drydock\/(.+)$/.exec(line)?.[1] ?? [],
  );
  const alone = running.every((name) => clusters.includes(name) || name.includes("."));
  const ours = clusters.flatMap((name) => [name, interfaceName(name)]);
  return alone ? changes : changes.filter((line) => ours.some((name) => line.includes(name)));
}

/** What a reboot does, as far as a cluster can tell: no process, namespace, mount, /run or cgroup. */
export async function simulateReboot(folder: string, cluster: string): Promise<void> {
  await killCluster(folder, cluster);
  const { run } = clusterPaths(folder, cluster);
  execFileSync("ip", ["netns", "delete", `drydock-${cluster}`]);
  for (const path of ["ns/mnt", "ns"]) {
    execFileSync("umount", [`${run}/${path}`]);
  }
  rmSync(run, { recursive: true });
  deleteCgroup(cluster);
}

/** Pids of processes whose command line, environment or working folder speaks of a folder. */
export function processesOf(folder: string): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .filter((pid) => read(`/proc/${pid}/cmdline`).includes(folder))
    .map((pid) => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").slice(0, 200)}`);
}

/**
 * Until no process, mount, interface or other thing of a cluster that went down is there: what was told to end,
 * by Pulumi too, does so a moment later.
 * @param before what the host held already
 */
export function untilGone(
  { folder, cluster }: { readonly folder: string; readonly cluster: string },
  before: readonly string[] = [],
): Promise<void> {
  const ours = [cluster, interfaceName(cluster)];
  return eventuallyHolds(() => {
    expect(processesOf(folder)).toEqual([]);
    const added = hostState().filter((line) => !before.includes(line));
    expect(added.filter((line) => ours.some((name) => line.includes(name)))).toEqual([]);
  });
}

/** Files below a folder that others go on writing in: what vanishes meanwhile is left out. */
export function filesBelow(folder: string): string[] {
  const entries = unlessGone(() => readdirSync(folder, { withFileTypes: true }), []);
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

/** What `read` gives, or `otherwise` where its file or process is gone by now. */
export function unlessGone<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (!["ENOENT", "ESRCH", "ENODEV"].includes((error as NodeJS.ErrnoException).code ?? "")) {
      throw error;
    }
    return otherwise;
  }
}

/**
 * The process that the kubelet started in a pod, as this machine sees it.
 * @param command how its command line begins
 * @throws Error where there is not exactly one
 */
export function podProcess(uid: string, command: string): number {
  const found = readdirSync("/proc").filter(
    (pid) =>
      /^\d+$/.test(pid) &&
      read(`/proc/${pid}/cmdline`).startsWith(command) &&
      read(`/proc/${pid}/cgroup`).includes(uid),
  );
  if (found.length !== 1) throw new Error(`${found.length} processes of pod ${uid} are ${command}`);
  return Number(found[0]);
}

/** Pids that run in the cluster's network namespace. */
export function clusterPids(cluster: string): number[] {
  const text = execFileSync("ip", ["netns", "pids", `drydock-${cluster}`], { encoding: "utf8" });
  return text.split("\n").filter(Boolean).map(Number);
}

/** A crash of the whole machine, as far as processes go: the supervisor is no exception. */
export async function killCluster(folder: string, cluster: string): Promise<void> {
  const paths = clusterPaths(folder, cluster);
  for (let round = 0; round < 200; round += 1) {
    const pids = membersOf(paths, cluster);
    if (pids.length === 0) {
      return;
    }
    pids.forEach((pid) => killNow(pid));
    await sleep(25);
  }
  throw new Error(`processes of ${cluster} do not end`);
}

function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
