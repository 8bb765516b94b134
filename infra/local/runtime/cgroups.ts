import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

const CGROUP_ROOT = "/sys/fs/cgroup";

/** True where the host has the single hierarchy of cgroup v2. */
export function isCgroupV2(): boolean {
  return existsSync(join(CGROUP_ROOT, "cgroup.controllers"));
}

/** The hierarchies: one on v2, one a controller on v1 (`unified` beside them on a hybrid host). */
function hierarchies(): string[] {
  if (isCgroupV2()) {
    return [CGROUP_ROOT];
  }
  return readdirSync(CGROUP_ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(CGROUP_ROOT, entry.name));
}

/** The cluster's cgroup as the kubelet wants it: a path below each hierarchy. */
export function clusterCgroup(cluster: string): string {
  return `/drydock-${cluster}`;
}

/** Makes the cgroup in every hierarchy. Below it lie all pods: removing it removes them all. */
export function createCgroup(cluster: string): void {
  for (const hierarchy of hierarchies()) {
    const folder = join(hierarchy, clusterCgroup(cluster));
    mkdirSync(folder, { recursive: true });
    initialize(hierarchy, folder);
  }
}

function initialize(hierarchy: string, folder: string): void {
  if (isCgroupV2()) {
    const controllers = ["cpu", "cpuset", "memory", "pids", "io"].map((name) => `+${name}`);
    for (const controller of controllers) {
      tryWrite(join(hierarchy, "cgroup.subtree_control"), controller);
      tryWrite(join(folder, "cgroup.subtree_control"), controller);
    }
    return;
  }
  // A new cpuset of v1 is empty, and nothing may run in an empty one.
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (existsSync(join(folder, file))) {
      tryWrite(join(folder, file), readFileSync(join(hierarchy, file), "utf8"));
    }
  }
}

/** Removes the cgroup, once its processes have ended. */
export function deleteCgroup(cluster: string): void {
  for (const hierarchy of hierarchies()) {
    removeTree(join(hierarchy, clusterCgroup(cluster)));
  }
}

/** Processes of the cluster's cgroup and of all cgroups below it: those of the pods. */
export function cgroupPids(cluster: string): number[] {
  return [
    ...new Set(hierarchies().flatMap((root) => pidsBelow(join(root, clusterCgroup(cluster))))),
  ];
}

function pidsBelow(folder: string): number[] {
  if (!existsSync(folder)) {
    return [];
  }
  const own = readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean);
  const children = readdirSync(folder, { withFileTypes: true }).filter((it) => it.isDirectory());
  return [...own.map(Number), ...children.flatMap((it) => pidsBelow(join(folder, it.name)))];
}

export function cgroupExists(cluster: string): boolean {
  return hierarchies().some((hierarchy) => existsSync(join(hierarchy, clusterCgroup(cluster))));
}

function removeTree(folder: string): void {
  if (!existsSync(folder)) {
    return;
  }
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      removeTree(join(folder, entry.name));
    }
  }
  try {
    rmdirSync(folder);
  } catch {
    // Still busy: the caller's check for leftovers reports it.
  }
}

function tryWrite(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch {
    // A controller this kernel does not have; the kubelet names those it misses.
  }
}
