import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { clusterPids as membersOf } from "../../../infra/local/runtime/members";
import { clusterPaths } from "../../../infra/local/runtime/paths";

/** What the host holds that a cluster could leave behind, one line a thing. */
export function hostState(): string[] {
  const lines = (file: string, ...args: string[]): string[] =>
    execFileSync(file, args, { encoding: "utf8" }).split("\n").filter(Boolean);
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1]);
  const interfaces = readdirSync("/sys/class/net");
  const namespaces = existsSync("/run/netns") ? readdirSync("/run/netns") : [];
  const cgroups = readdirSync("/sys/fs/cgroup").flatMap((name) =>
    existsSync(`/sys/fs/cgroup/${name}/cgroup.procs`) && name !== "unified"
      ? readdirSync(`/sys/fs/cgroup/${name}`).filter((child) => child.startsWith("drydock-"))
      : name.startsWith("drydock-") ? [name] : [],
  ); // prettier-ignore
  const rules =
    process.getuid?.() === 0 ? lines("iptables-save").filter((line) => line.startsWith("-A")) : [];
  return [
    ...mounts.map((path) => `mount ${path ?? ""}`),
    ...interfaces.map((name) => `interface ${name}`),
    ...namespaces.map((name) => `network namespace ${name}`),
    ...[...new Set(cgroups)].map((name) => `cgroup ${name}`),
    ...lines("ip", "route").map((route) => `route ${route}`),
    ...rules.map((rule) => `iptables ${rule}`),
  ];
}

/** Pids of processes whose command line, environment or working folder speaks of a folder. */
export function processesOf(folder: string): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .filter((pid) => read(`/proc/${pid}/cmdline`).includes(folder))
    .map((pid) => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").slice(0, 200)}`);
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
