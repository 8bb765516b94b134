import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { ClusterPaths } from "../runtime/paths";
import { readJson } from "../runtime/process";

/** What the agent tells of its enforcement, when that changes. */
export interface PolicyStatus {
  /** ISO 8601. */
  readonly at: string;
  readonly policies: number;
  /** With an address. */
  readonly pods: number;
  /** Why the rules could not be set. Those from before stay. */
  readonly problem?: string;
}

function statusFile({ root }: Pick<ClusterPaths, "root">): string {
  return join(root, "network-policy.json");
}

export function readPolicyStatus(paths: Pick<ClusterPaths, "root">): PolicyStatus | undefined {
  return readJson(statusFile(paths)) as PolicyStatus | undefined;
}

export function writePolicyStatus(paths: Pick<ClusterPaths, "root">, status: PolicyStatus): void {
  const file = statusFile(paths);
  writeFileSync(`${file}.new`, `${JSON.stringify(status)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
