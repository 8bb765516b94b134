import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

import { type Tools } from "./control-plane";
import { LocalClusterError } from "./errors";
import { saveData } from "./etcd";
import type { ClusterPaths } from "./paths";
import type { ClusterRecord } from "./spec";

/** Snapshots in the cluster's own folder; older ones go when a new one is there. */
const KEPT = 5;
const NAME = /^kubernetes-.*\.db$/;

export interface Snapshot {
  readonly file: string;
  readonly bytes: number;
}

/** `kubernetes-1.36.3-20261121T104500Z.db`: sorts by version, then by time. */
export function snapshotName(version: string, time: Date): string {
  const stamp = time.toISOString().replace(/[-:]|\.\d+/g, "");
  return `kubernetes-${version}-${stamp}.db`;
}

/**
 * Saves etcd's data: every object of the cluster, Secrets too, in a file of mode 0600.
 *
 * @param file default: a named one in the cluster's folder, which keeps the last five
 * @throws LocalClusterError where the file exists, or etcd does not answer
 */
export async function takeSnapshot(
  record: ClusterRecord,
  paths: ClusterPaths,
  tools: Tools,
  {
    file,
    signal,
  }: { readonly file?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<Snapshot> {
  const target = file ?? join(paths.snapshots, snapshotName(record.kubernetes, new Date()));
  if (file === undefined) {
    mkdirSync(paths.snapshots, { recursive: true, mode: 0o700 });
  } else {
    requireNewFile(file);
  }
  try {
    await saveData(record, paths, tools, target, signal);
  } catch (error) {
    rmSync(`${target}.part`, { force: true });
    throw error;
  }
  chmodSync(target, 0o600);
  if (file === undefined) {
    removeOldest(paths.snapshots);
  }
  return { file: target, bytes: statSync(target).size };
}

function requireNewFile(file: string): void {
  if (existsSync(file)) {
    throw new LocalClusterError(`${file} exists already`, {
      fix: "name another file; nothing is overwritten",
    });
  }
  if (!existsSync(dirname(file))) {
    throw new LocalClusterError(`there is no folder ${dirname(file)}`, {
      fix: "make it, or name another file",
    });
  }
}

function removeOldest(folder: string): void {
  const age = (name: string): number => statSync(join(folder, name)).mtimeMs;
  const names = readdirSync(folder).filter((name) => NAME.test(name));
  const surplus = names.sort((a, b) => age(b) - age(a)).slice(KEPT);
  for (const name of surplus) {
    rmSync(join(folder, name), { force: true });
  }
}
