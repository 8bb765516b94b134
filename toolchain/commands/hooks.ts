import type { ToolName } from "../release";
import type { StackSettings } from "../stack-file";

/** What the local cluster of a stack would be on this machine. */
export interface LocalClusterPlan {
  readonly tools: readonly ToolName[];
  readonly realNode: boolean;
  /** For people: what runs for real, what is simulated, and why. */
  readonly summary: string;
}

/**
 * What the commands ask of the part of the project that owns local clusters. An interface, so that
 * toolchain/ itself knows nothing of clusters; main.ts puts the two together.
 */
export interface LocalClusters {
  plan(settings: StackSettings): Promise<LocalClusterPlan>;
  /** Parts of a stack's cluster that should run and do not; none where there is no cluster. */
  missing(root: string, settings: StackSettings): Promise<readonly string[]>;
  /**
   * Removes what is left of a stack's cluster: processes, mounts, namespace, files.
   * @returns one line a thing that was still there
   */
  remove(root: string, settings: StackSettings): Promise<readonly string[]>;
  /** How the components of a stack's cluster are; one line where there is no cluster. */
  components(root: string, settings: StackSettings): readonly DoctorLine[];
  /**
   * Saves the data of a running cluster's etcd.
   * @param file absolute path; default: a named one in the cluster's folder
   */
  snapshot(cluster: RunningCluster, file?: string): Promise<SavedSnapshot>;
  /**
   * Puts the objects of a snapshot in the place of the cluster's own.
   * @param file absolute path
   * @param confirm asked once the file is known to be good, before anything is stopped
   * @returns whether it was done
   */
  restore(cluster: RunningCluster, file: string, confirm: () => Promise<boolean>): Promise<boolean>;
}

/** The stack's cluster, for a command that changes or reads it. */
export interface RunningCluster {
  readonly root: string;
  readonly settings: StackSettings;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
  /** Paths of executables by tool name. */
  readonly resolveTools: (names: readonly ToolName[]) => Promise<Readonly<Record<string, string>>>;
}

export interface SavedSnapshot {
  readonly file: string;
  readonly bytes: number;
}

/** One heading of `npm run doctor`. */
export interface Section {
  readonly title: string;
  readonly lines: readonly DoctorLine[];
}

export interface DoctorLine {
  /** `missing` makes doctor exit 1: start cannot work, or a cluster is down. `note` does not. */
  readonly state: "ok" | "note" | "missing";
  readonly text: string;
  /** The command that mends it. */
  readonly fix?: string | undefined;
}
