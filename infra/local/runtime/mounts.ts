import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

import type { ClusterPaths } from "./paths";
import { type Command, inNamespace, readText, run } from "./process";
import { VOLUMES_FOLDER } from "./spec";

/**
 * The kubelet's folder. Its usual place: sockets below it would not fit into the 107 bytes of a
 * Unix socket's path below a project in a deep folder, and CSI drivers know no other one.
 */
export const KUBELET_FOLDER = "/var/lib/kubelet";

/**
 * Folders that in the cluster's mount namespace are the cluster's own: the kubelet, containerd and
 * the CNI library do not let one choose their place, and objects name that of volumes.
 */
export const FIXED_FOLDERS = [
  KUBELET_FOLDER,
  "/run/containerd",
  "/var/lib/cni",
  "/var/log/containers",
  "/opt/containerd",
  VOLUMES_FOLDER,
];

const STEP = "making the node's mount namespace";

/**
 * Makes the mount namespace of the real node, or completes what an interrupted run left. Every
 * mount of the kubelet and of containerd stays in it, so the host's mount table does not grow and
 * nothing is left when it goes.
 */
export async function createMountNamespace(paths: ClusterPaths): Promise<void> {
  makeMountPoints(paths);
  const folder = namespaceFolder(paths);
  const file = namespaceFile(paths);
  mkdirSync(folder, { recursive: true });
  if (!existsSync(file)) {
    writeFileSync(file, "");
  }
  const mount = (...args: string[]): Promise<string> => run(STEP, { file: "mount", args });
  // The kernel keeps a mount namespace only below a private mount.
  if (!isMountPoint(folder)) {
    await mount("--bind", folder, folder);
    await mount("--make-private", folder);
  }
  if (!isMountPoint(file)) {
    const args = [`--mount=${file}`, "--propagation", "private", "true"];
    await run(STEP, { file: "unshare", args });
  }
  const inside = (command: string, ...args: string[]): Promise<string> =>
    run(STEP, inMounts(paths, { file: command, args }));
  const present = mountPoints(await inside("cat", "/proc/self/mountinfo"));
  for (const path of FIXED_FOLDERS.filter((it) => !present.includes(it))) {
    await inside("mount", "--bind", sourceOf(paths, path), path);
  }
  // The kubelet and containerd hand mounts to each other.
  await inside("mount", "--make-rshared", "/");
}

/** Where the cluster keeps what lies in a fixed folder. */
function sourceOf(paths: ClusterPaths, path: string): string {
  return join(paths.node, "host", path.slice(1));
}

/** A folder that the host did not have is noted before it is made, to be removed in the end. */
function makeMountPoints(paths: ClusterPaths): void {
  const missing = FIXED_FOLDERS.filter((path) => !existsSync(path));
  const made = new Set([...madeMountPoints(paths), ...missing]);
  if (made.size > 0) {
    for (const file of mountPointsFiles(paths)) {
      writeFileSync(file, JSON.stringify([...made]));
    }
  }
  for (const path of [...missing, ...FIXED_FOLDERS.map((it) => sourceOf(paths, it))]) {
    mkdirSync(path, { recursive: true });
  }
}

function madeMountPoints(paths: ClusterPaths): string[] {
  return mountPointsFiles(paths).flatMap((file) => JSON.parse(readText(file) ?? "[]") as string[]);
}

/** That of the machine, which clusters share and a reboot removes, and the cluster's own. */
function mountPointsFiles(paths: ClusterPaths): [shared: string, own: string] {
  return [join(dirname(paths.run), "mount-points.json"), join(paths.root, "mount-points.json")];
}

/** With a mount point the kernel removes what is mounted there in any namespace: the last one goes. */
function removeMountPoints(paths: ClusterPaths): void {
  const shared = dirname(paths.run);
  const entries = existsSync(shared) ? readdirSync(shared, { withFileTypes: true }) : [];
  if (entries.some((it) => it.isDirectory() && it.name !== basename(paths.run))) {
    return;
  }
  for (const path of madeMountPoints(paths)) {
    try {
      rmdirSync(path);
    } catch {
      // Somebody else uses it by now.
    }
  }
  rmSync(mountPointsFiles(paths)[0], { force: true });
}

/** The same command, run in the node's mount namespace. */
export function inMounts(paths: ClusterPaths, command: Command): Command {
  return inNamespace(command, "mount", namespaceFile(paths));
}

export async function deleteMountNamespace(paths: ClusterPaths): Promise<void> {
  for (const target of [namespaceFile(paths), namespaceFolder(paths)]) {
    while (isMountPoint(target)) {
      await run("removing the node's mount namespace", { file: "umount", args: [target] });
    }
  }
  removeMountPoints(paths);
}

export function mountNamespaceExists(paths: ClusterPaths): boolean {
  return isMountPoint(namespaceFile(paths));
}

/** Mount points of the host below a folder. */
export function mountsBelow(folder: string): string[] {
  return mountPoints().filter((path) => path.startsWith(`${folder}/`));
}

export function isMountPoint(path: string): boolean {
  return mountPoints().includes(path);
}

function mountPoints(mountinfo = readFileSync("/proc/self/mountinfo", "utf8")): string[] {
  return mountinfo.split("\n").map((line) => line.split(" ")[4] ?? "");
}

function namespaceFolder(paths: ClusterPaths): string {
  return join(paths.run, "ns");
}

function namespaceFile(paths: ClusterPaths): string {
  return join(namespaceFolder(paths), "mnt");
}
