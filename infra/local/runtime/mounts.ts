import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";

import type { ClusterPaths } from "./paths";
import { type Command, run } from "./process";

/**
 * Folders whose place the kubelet, containerd and the CNI library do not let one choose. In the
 * cluster's mount namespace each is the cluster's own.
 */
const FIXED_FOLDERS = ["/run/containerd", "/var/lib/cni", "/var/log/containers", "/opt/containerd"];

/**
 * Makes the mount namespace of the real node, once. Every mount of the kubelet and of containerd
 * stays in it, so the host's mount table does not grow and nothing is left when it goes.
 *
 * @returns folders of the host that were made as mount points, to be removed with the cluster
 */
export async function createMountNamespace(paths: ClusterPaths): Promise<string[]> {
  const folder = namespaceFolder(paths);
  const file = namespaceFile(paths);
  if (isMountPoint(file)) {
    return [];
  }
  const made = FIXED_FOLDERS.filter((path) => !existsSync(path));
  const sources = FIXED_FOLDERS.map((path) => join(paths.node, "host", path.slice(1)));
  for (const path of [folder, ...made, ...sources]) {
    mkdirSync(path, { recursive: true });
  }
  closeSync(openSync(file, "a"));
  const mount = (...args: string[]): Promise<string> =>
    run("making the node's mount namespace", { file: "mount", args });
  // The kernel keeps a mount namespace only below a private mount.
  if (!isMountPoint(folder)) {
    await mount("--bind", folder, folder);
    await mount("--make-private", folder);
  }
  await run("making the node's mount namespace", {
    file: "unshare",
    args: [`--mount=${file}`, "--propagation", "private", "true"],
  });
  const inside = (...args: string[]): Promise<string> =>
    run("making the node's mount namespace", inMounts(paths, { file: "mount", args }));
  for (const [index, path] of FIXED_FOLDERS.entries()) {
    await inside("--bind", sources[index] ?? "", path);
  }
  // The kubelet and containerd hand mounts to each other.
  await inside("--make-rshared", "/");
  return made;
}

/** The same command, run in the node's mount namespace. */
export function inMounts(paths: ClusterPaths, command: Command): Command {
  return {
    ...command,
    file: "nsenter",
    args: [`--mount=${namespaceFile(paths)}`, command.file, ...command.args],
  };
}

export async function deleteMountNamespace(
  paths: ClusterPaths,
  made: readonly string[],
): Promise<void> {
  for (const target of [namespaceFile(paths), namespaceFolder(paths)]) {
    while (isMountPoint(target)) {
      await run("removing the node's mount namespace", { file: "umount", args: [target] });
    }
  }
  for (const path of made) {
    try {
      rmdirSync(path);
    } catch {
      // Somebody else uses it by now.
    }
  }
}

export function mountNamespaceExists(paths: ClusterPaths): boolean {
  return isMountPoint(namespaceFile(paths));
}

/** Mount points of the host below a folder. */
export function mountsBelow(folder: string): string[] {
  return mountPoints().filter((path) => path.startsWith(`${folder}/`));
}

function isMountPoint(path: string): boolean {
  return mountPoints().includes(path);
}

function mountPoints(): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "");
}

function namespaceFolder(paths: ClusterPaths): string {
  return join(paths.run, "ns");
}

function namespaceFile(paths: ClusterPaths): string {
  return join(namespaceFolder(paths), "mnt");
}
