import { existsSync, readdirSync, rmSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { stopAgent } from "./agent";
import { cgroupExists, deleteCgroup } from "./cgroups";
import { LocalClusterError } from "./errors";
import { withHeldSupervision } from "./hold";
import { clusterPids, namespaceExists, ownerOf, ownsHostParts } from "./members";
import { deleteMountNamespace, mountsBelow } from "./mounts";
import { deleteNamespace, interfaceName, namespaceName } from "./network";
import { type ClusterPaths, clusterPaths } from "./paths";
import { endProcess } from "./process";
import { readRecord } from "./record";

/**
 * Removes the cluster whole: processes, mounts, namespaces, interfaces, cgroups and files. Works
 * as well for one that is half made or half removed.
 *
 * @throws LocalClusterError that names what could not be removed
 */
export async function deleteCluster(projectRoot: string, name: string): Promise<void> {
  const paths = clusterPaths(projectRoot, name);
  await withHeldSupervision(paths, () => removeParts(paths, name));
  removeEmpty(join(projectRoot, ".drydock", "clusters"));
  removeEmpty(join(projectRoot, ".drydock"));
  const left = leftovers(projectRoot, name);
  if (left.length > 0) {
    throw new LocalClusterError(`cluster ${name} is not removed whole`, {
      why: `left: ${left.join(", ")}`,
      fix: "run the command again; if it stays, end the processes named and remove the rest by hand",
    });
  }
}

async function removeParts(paths: ClusterPaths, name: string): Promise<void> {
  await endProcesses(paths, name);
  if (ownsHostParts(paths)) {
    await deleteNamespace(namespaceName(name), interfaceName(name));
    await deleteMountNamespace(paths);
    deleteCgroup(name);
    rmSync(paths.run, { recursive: true, force: true });
    removeEmpty("/run/drydock");
  }
  rmSync(paths.root, { recursive: true, force: true });
}

/** What is still there of a cluster: processes, mounts, namespaces, cgroups and folders. */
export function leftovers(projectRoot: string, name: string): string[] {
  const paths = clusterPaths(projectRoot, name);
  const owned = ownsHostParts(paths);
  const mounts = [...mountsBelow(paths.root), ...(owned ? mountsBelow(paths.run) : [])];
  return [
    ...clusterPids(paths, name).map((pid) => `process ${String(pid)}`),
    ...mounts.map((path) => `mount ${path}`),
    ...(owned && namespaceExists(name) ? [`network namespace ${namespaceName(name)}`] : []),
    ...(owned && cgroupExists(name) ? [`cgroup of ${name}`] : []),
    ...[paths.root].filter((path) => existsSync(path)).map((path) => `folder ${path}`),
  ];
}

/** First the agent, then all else by TERM, so that listeners close; containers at once. */
async function endProcesses(paths: ClusterPaths, name: string): Promise<void> {
  await stopAgent(paths);
  // A process may start another while we look: until none is left, a few times.
  for (let round = 0; round < 5; round += 1) {
    const pids = clusterPids(paths, name);
    if (pids.length === 0) {
      return;
    }
    await Promise.all(pids.map((pid) => endProcess(pid, round === 0 ? 500 : 0)));
    await sleep(50);
  }
}

function removeEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) {
    rmdirSync(folder);
  }
}

/** The folder of another project's cluster that holds this name on this machine, if there is one. */
export function otherOwner(projectRoot: string, name: string): string | undefined {
  const paths = clusterPaths(projectRoot, name);
  const owner = ownerOf(paths);
  return owner === undefined || owner === paths.root || isAbandoned(owner) ? undefined : owner;
}

/** Its folder was deleted while it ran. The node may have made an empty shell of it again. */
function isAbandoned(owner: string): boolean {
  return readRecord({ record: join(owner, "cluster.json") }) === undefined;
}

/**
 * What is left of a cluster of this name whose folder somebody deleted while it ran: of this
 * project, or of another one.
 */
export function remnants(projectRoot: string, name: string): string[] {
  return abandonedProjects(projectRoot, name).flatMap((project) => leftovers(project, name));
}

/**
 * Removes what {@link remnants} finds: nobody else would, and it holds the cluster's name.
 * @param onNotice is told where there was something
 */
export async function removeRemnants(
  projectRoot: string,
  name: string,
  onNotice?: (line: string) => void,
): Promise<void> {
  for (const project of abandonedProjects(projectRoot, name)) {
    const left = leftovers(project, name);
    if (left.length > 0) {
      await deleteCluster(project, name);
      onNotice?.(`removed what was left of an earlier cluster ${name}: ${inShort(left)}`);
    }
  }
}

/** {@link leftovers} in one line: a node has too many processes to name each. */
export function inShort(left: readonly string[]): string {
  const processes = left.filter((it) => it.startsWith("process ")).length;
  const rest = left.filter((it) => !it.startsWith("process "));
  const counted = processes === 1 ? "1 process" : `${String(processes)} processes`;
  return [...(processes === 0 ? [] : [counted]), ...rest].join(", ");
}

/** Folders of projects, existing or not, that may hold remnants of the name. */
function abandonedProjects(projectRoot: string, name: string): string[] {
  const paths = clusterPaths(projectRoot, name);
  const roots = new Set([paths.root, ownerOf(paths) ?? paths.root]);
  // A cluster's folder is <project>/.drydock/clusters/<name>.
  return [...roots].filter(isAbandoned).map((root) => dirname(dirname(dirname(root))));
}
