import type { ToolName } from "../../toolchain/release";
import type { ImageCache } from "./cache";
import type { Architecture, Descriptor, HistoryEntry, RuntimeConfig } from "./oci";

/** What a build works with; made by `buildImage` from its options. */
export interface BuildContext {
  readonly cache: ImageCache;
  /** The project's directory, which relative paths in recipes start at. */
  readonly root: string;
  readonly architecture: Architecture;
  /** Path of the `crane` binary; without it no registry is asked. */
  readonly crane: string | undefined;
  /** Path of a program of the toolchain, which is obtained where it is not there. */
  readonly tool: (name: ToolName) => Promise<string>;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (line: string) => void;
}

/** A base whose layers are in the cache. */
export interface ResolvedBase {
  readonly kind: "registry" | "debian" | "scratch";
  /** `org.opencontainers.image.base.name`. */
  readonly name: string;
  /** Digest of the base image for this architecture; a base from packages has none. */
  readonly digest?: string;
  /** Version of the software that the image is for. */
  readonly version?: string;
  /** `name=version` of each Debian package that a file was taken from. */
  readonly packages?: readonly string[];
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly string[];
  readonly history: readonly HistoryEntry[];
  readonly runtime: RuntimeConfig;
}
