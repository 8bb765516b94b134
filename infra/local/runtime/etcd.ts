import { existsSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import type { Tools } from "./control-plane";
import { LocalClusterError, shortly } from "./errors";
import type { ClusterPaths } from "./paths";
import { type Command, inNetwork, run } from "./process";
import type { ClusterRecord } from "./spec";

/** etcd's name for its one member, given by kwokctl. */
const MEMBER = "node0";

/**
 * Far beyond what a cluster writes between two snapshots: after a restore no client may see a revision
 * again that once meant something else (etcd's advice for Kubernetes).
 */
const REVISION_BUMP = 1_000_000_000;

export function clientUrl(record: ClusterRecord): string {
  return `https://127.0.0.1:${String(record.ports.etcd)}`;
}

export function peerUrl(record: ClusterRecord): string {
  return `https://127.0.0.1:${String(record.ports.etcdPeer)}`;
}

/** Writes a consistent copy of the running etcd's data; mode 0600 from its first byte on. */
export async function saveData(
  record: ClusterRecord,
  paths: ClusterPaths,
  tools: Tools,
  file: string,
  signal?: AbortSignal,
): Promise<void> {
  const pki = paths.controlPlaneCertificates;
  const args = [
    `--endpoints=${clientUrl(record)}`,
    `--cacert=${join(pki, "ca.crt")}`,
    `--cert=${join(pki, "admin.crt")}`,
    `--key=${join(pki, "admin.key")}`,
    "--dial-timeout=5s",
    "snapshot",
    "save",
    file,
  ];
  const command: Command = { file: tools.etcdctl ?? "etcdctl", args };
  await run("taking a snapshot of etcd", inNetwork(record.network, command), signal);
}

/**
 * Makes a data directory out of a snapshot, beside the one in use.
 *
 * @returns its path
 * @throws LocalClusterError where the file is no whole snapshot: its checksum is at its end
 */
export async function unpackData(
  record: ClusterRecord,
  paths: ClusterPaths,
  tools: Tools,
  file: string,
  signal?: AbortSignal,
): Promise<string> {
  const target = join(paths.controlPlaneData, "etcd.restored");
  mkdirSync(paths.controlPlaneData, { recursive: true, mode: 0o700 });
  rmSync(target, { recursive: true, force: true });
  const args = [
    "snapshot",
    "restore",
    file,
    `--data-dir=${target}`,
    `--name=${MEMBER}`,
    `--initial-cluster=${MEMBER}=${peerUrl(record)}`,
    `--initial-advertise-peer-urls=${peerUrl(record)}`,
    `--bump-revision=${String(REVISION_BUMP)}`,
    "--mark-compacted",
  ];
  try {
    await run("reading the snapshot", { file: tools.etcdutl ?? "etcdutl", args }, signal);
  } catch (error) {
    rmSync(target, { recursive: true, force: true });
    signal?.throwIfAborted();
    throw new LocalClusterError(`${file} is not a whole snapshot of etcd`, {
      why: reasonIn(shortly(error)),
      fix: "take one with npm run snapshot; nothing was stopped or changed",
    });
  }
  return target;
}

/** etcdutl's own reason, at the end of its log. */
function reasonIn(text: string): string {
  return /Error: (.*)/.exec(text)?.[1] ?? text;
}

/**
 * Moves etcd's data and the certificates out of the folder that kwokctl calls its own, and leaves links:
 * when making a cluster fails, kwokctl deletes that folder whole. Only while the control plane stands.
 */
export function keepDataApart(paths: ClusterPaths): void {
  for (const name of ["etcd", "pki"]) {
    const place = join(paths.controlPlane, name);
    const kept = join(paths.controlPlaneData, name);
    const found = lstatSync(place, { throwIfNoEntry: false });
    if (found?.isDirectory() === true) {
      mkdirSync(paths.controlPlaneData, { recursive: true, mode: 0o700 });
      renameSync(place, kept);
    }
    if (found?.isSymbolicLink() !== true && existsSync(kept)) {
      mkdirSync(paths.controlPlane, { recursive: true });
      symlinkSync(kept, place);
    }
  }
}

/** What {@link exchangeData} put aside. */
export interface FormerData {
  /** Puts the former data back in its place. */
  restore(): void;
  remove(): void;
}

/** Puts an unpacked snapshot in the place of etcd's data. Only while the control plane stands. */
export function exchangeData(paths: ClusterPaths, unpacked: string): FormerData {
  keepDataApart(paths);
  const current = join(paths.controlPlaneData, "etcd");
  const former = join(paths.controlPlaneData, "etcd.former");
  rmSync(former, { recursive: true, force: true });
  renameSync(current, former);
  renameSync(unpacked, current);
  return {
    restore: () => {
      rmSync(current, { recursive: true, force: true });
      renameSync(former, current);
    },
    remove: () => rmSync(former, { recursive: true, force: true }),
  };
}
