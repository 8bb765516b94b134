import { readdirSync, statSync } from "node:fs";
import { isIPv4 } from "node:net";
import { join } from "node:path";

import type { ClusterPaths } from "../runtime/paths";
import { readJson } from "../runtime/process";
import type { Sandbox } from "./objects";

/** What the CNI library notes of each sandbox, before the first process in it starts. */
interface CniResult {
  readonly cniArgs?: readonly (readonly [string, string])[];
  readonly result?: { readonly ips?: readonly { readonly address: string }[] };
}

/** Where the CNI library keeps its notes: in the node's own /var/lib/cni. */
export function cniResults({ node }: Pick<ClusterPaths, "node">): string {
  return join(node, "host", "var", "lib", "cni", "results");
}

/** The sandboxes that the CNI plugins have set up and not removed. */
export class Sandboxes {
  /** A note does not change once it is whole; its name has the sandbox's own id. */
  private notes = new Map<string, Sandbox & { readonly since: number }>();

  constructor(private readonly folder: string) {}

  /** Oldest first. One whose note is being written is left out. */
  read(): Sandbox[] {
    const files = filesIn(this.folder);
    const notes = files.map((file) => [file, this.notes.get(file) ?? this.note(file)] as const);
    this.notes = new Map(notes.flatMap(([file, note]) => (note ? [[file, note]] : [])));
    return [...this.notes.values()].sort((a, b) => a.since - b.since);
  }

  private note(file: string): (Sandbox & { since: number }) | undefined {
    const path = join(this.folder, file);
    const { cniArgs = [], result } = (readJson(path) ?? {}) as CniResult;
    const podUid = cniArgs.find(([name]) => name === "K8S_POD_UID")?.[1];
    const since = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (podUid === undefined || result === undefined || since === undefined) {
      return undefined;
    }
    const addresses = (result.ips ?? [])
      .map(({ address }) => address.split("/")[0] ?? "")
      .filter((address) => isIPv4(address) && !address.startsWith("127."));
    return { podUid, addresses, since };
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // No pod has been there yet.
    return [];
  }
}
