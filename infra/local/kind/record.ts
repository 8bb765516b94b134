import { join } from "node:path";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";

import type { ClusterPaths } from "../runtime/paths";
import { readText } from "../runtime/process";
import type { ClusterSpec } from "../runtime/spec";
import type { ContainerEngine } from "./container-engine";

/** How a cluster of kind was made; kept in its directory, so that it can be revived and removed. */
export interface KindRecord {
  /** Of the cluster's data: a revived cluster keeps it, a new one of the same name has another. */
  readonly uid: string;
  readonly spec: ClusterSpec;
  /** Full version of Kubernetes. */
  readonly kubernetes: string;
  readonly container: ContainerEngine;
  /** See {@link "./config".KindConfig}. */
  readonly firstHostPort: number;
}

const fileOf = (paths: Pick<ClusterPaths, "root">): string => join(paths.root, "kind.json");

/** undefined where the cluster is not of kind, or not there. */
export function readKindRecord(paths: Pick<ClusterPaths, "root">): KindRecord | undefined {
  const text = readText(fileOf(paths));
  return text === undefined ? undefined : (JSON.parse(text) as KindRecord);
}

export function saveKindRecord(paths: Pick<ClusterPaths, "root">, record: KindRecord): void {
  mkdirSync(paths.root, { recursive: true, mode: 0o700 });
  const draft = `${fileOf(paths)}.new`;
  writeFileSync(draft, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, fileOf(paths));
}
