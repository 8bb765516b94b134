import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";

import { makeUnifiedCgroup } from "./cgroup-v2";
import { readText } from "./process";

export const CGROUP_ROOT = "/sys/fs/cgroup";

/**
 * True where the host has the single hierarchy of cgroup v2.
 * @param root where control groups are mounted
 */
export function isCgroupV2(root: string = CGROUP_ROOT): boolean {
  return existsSync(join(root, "cgroup.controllers"));
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
  if (isCgroupV2()) {
    makeUnifiedCgroup(CGROUP_ROOT, join(CGROUP_ROOT, clusterCgroup(cluster)));
    return;
  }
  for (const hierarchy of hierarchies()) {
    const folder = join(hierarchy, clusterCgroup(cluster));
    mkdirSync(folder, { recursive: true });
    fillCpuset(hierarchy, folder);
  }
}

/** A new cpuset of v1 is empty, and nothing may run in an empty one. */
function fillCpuset(hierarchy: string, folder: string): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (existsSync(join(folder, file))) {
      writeFileSync(join(folder, file), readFileSync(join(hierarchy, file), "utf8"));
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

/** Names of the cgroups, of all levels, in which a process runs: one of a container is its id. */
export function populatedCgroups(cluster: string): ReadonlySet<string> {
  const folders = hierarchies().flatMap((root) => cgroupsBelow(join(root, clusterCgroup(cluster))));
  return new Set(folders.filter((it) => pidsIn(it).length > 0).map((it) => basename(it)));
}

function pidsBelow(folder: string): number[] {
  return cgroupsBelow(folder).flatMap((it) => pidsIn(it));
}

/** A cgroup may go at any moment, with the container whose it is. */
function pidsIn(folder: string): number[] {
  const pids = readText(join(folder, "cgroup.procs")) ?? "";
  return pids.split("\n").filter(Boolean).map(Number);
}

/** It and all below it. */
function cgroupsBelow(folder: string): string[] {
  return [folder, ...childrenOf(folder).flatMap((it) => cgroupsBelow(it))];
}

function childrenOf(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((it) => it.isDirectory()).map((it) => join(folder, it.name));
  } catch {
    return [];
  }
}

export function cgroupExists(cluster: string): boolean {
  return hierarchies().some((hierarchy) => existsSync(join(hierarchy, clusterCgroup(cluster))));
}

function removeTree(folder: string): void {
  for (const child of childrenOf(folder)) {
    removeTree(child);
  }
  try {
    rmdirSync(folder);
  } catch {
    // Not there, or still busy: the caller's check for leftovers reports that.
  }
}
