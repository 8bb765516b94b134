import { existsSync, readlinkSync } from "node:fs";
import { join } from "node:path";

import { agentSettings } from "./agent";
import { cgroupPids } from "./cgroups";
import { controlPlanePids } from "./control-plane";
import { componentPid, recordedComponents } from "./daemon";
import { namespaceName, namespacePids } from "./network";
import type { ClusterPaths } from "./paths";
import { namespaceFile, processesWhere, readText } from "./process";

/** Namespaces, cgroup and sockets bear the cluster's name alone: another project may hold them. */
export function ownsHostParts(paths: ClusterPaths): boolean {
  return ownerOf(paths) === paths.root;
}

/** Folder of the cluster that holds the host parts of this name. */
export function ownerOf(paths: Pick<ClusterPaths, "run">): string | undefined {
  return readText(join(paths.run, "owner"));
}

export function namespaceExists(name: string): boolean {
  return existsSync(namespaceFile(namespaceName(name)));
}

/** Pids of every process of the cluster: those of its pods, the agent and its keeper too. */
export function clusterPids(paths: ClusterPaths, name: string): number[] {
  const agent = processesWhere((args) => args.includes(agentSettings(paths)));
  const components = componentPids(paths);
  const owned = ownsHostParts(paths);
  const inNamespace = owned && namespaceExists(name) ? namespacePids(namespaceName(name)) : [];
  const pods = owned ? cgroupPids(name) : [];
  const beside = inNamespacesOf(namespacedPids(paths, name));
  return [...new Set([...agent, ...components, ...inNamespace, ...beside, ...pods])];
}

/**
 * A process in the cluster's network namespace that somebody took the name from (`ip netns
 * delete`): it and all that runs in it go on, and the name can be given back.
 */
export function namespaceHolder(paths: ClusterPaths, name: string): number | undefined {
  return namespacedPids(paths, name).find((pid) => networkOf(pid) !== undefined);
}

function componentPids(paths: ClusterPaths): number[] {
  const recorded = recordedComponents(paths).flatMap((it) => componentPid(it) ?? []);
  return [...recorded, ...controlPlanePids(paths)];
}

/** Components that entered the network namespace, and the shims of pods; its name is not asked. */
function namespacedPids(paths: ClusterPaths, name: string): number[] {
  const file = namespaceFile(namespaceName(name));
  const components = recordedComponents(paths)
    .filter(({ command }) => command.namespaces?.includes(file))
    .flatMap((it) => componentPid(it) ?? []);
  const shims = ownsHostParts(paths)
    ? processesWhere((args) => args.includes("-address") && args.includes(paths.containerdSocket))
    : [];
  return [...components, ...shims];
}

/** All processes in the network namespaces that some are in, but for the host's own. */
function inNamespacesOf(pids: readonly number[]): number[] {
  const namespaces = new Set(pids.flatMap((pid) => networkOf(pid) ?? []));
  if (namespaces.size === 0) {
    return [];
  }
  return processesWhere((_, pid) => namespaces.has(networkOf(pid) ?? ""));
}

/** The process' network namespace; undefined for this process' own and where it is gone. */
function networkOf(pid: number): string | undefined {
  try {
    const namespace = readlinkSync(`/proc/${String(pid)}/ns/net`);
    return namespace === readlinkSync("/proc/self/ns/net") ? undefined : namespace;
  } catch {
    return undefined;
  }
}
