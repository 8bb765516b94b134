import type { ToolName } from "../../toolchain/release";

/**
 * An image as data. A recipe holds no absolute path but that of a tool's binary, so it can be a
 * Pulumi input: the same checkout gives the same recipe, and the same hash, on every machine.
 */
export interface ImageRecipe {
  /** Repository without a registry host, for example `drydock/nginx`. */
  readonly name: string;
  /** `org.opencontainers.image.title` and `.description`. */
  readonly title: string;
  readonly description: string;
  /** `org.opencontainers.image.source`: URL of the source code. Default: no such label. */
  readonly source?: string;
  /**
   * `org.opencontainers.image.licenses`: SPDX expression for what the image is named after. The licences
   * of all that is in it are in its SBOM. Default: no such label.
   */
  readonly licenses?: string;
  readonly base: ImageBase;
  /** From the bottom up: what changes most often comes last, so that its change re-imports little. */
  readonly layers: readonly LayerSource[];
  /** Overrides the configuration of a base from a registry field by field; `env` and `labels` are merged. */
  readonly config: ImageConfig;
}

/** `scratch` has no files at all: for static binaries. */
export type ImageBase = { readonly kind: "scratch" } | RegistryBase;

export interface RegistryBase {
  readonly kind: "registry";
  /** `host/repository:tag@sha256:…`, pinned by digest: a tag alone moves. */
  readonly reference: string;
  /** Name of the environment variable in which the base states the version of its software. */
  readonly versionVariable?: string;
  /** Used where the registry does not answer. */
  readonly fallback: DebianBase;
}

/**
 * A base of a few files out of Debian's packages. Each shared library that the named files need is
 * found in the packages' dependencies and added; nothing else is.
 */
export interface DebianBase {
  /**
   * Package name -> paths to take out of it, in the merged-/usr layout (`usr/bin/…`, not `bin/…`). One that
   * ends with a slash is a folder, with all that is below it.
   */
  readonly packages: Readonly<Record<string, readonly string[]>>;
  /** Package whose upstream version becomes the version of the image. */
  readonly versionPackage?: string;
  /**
   * Path in the image -> program of the toolchain. Found, downloaded or built only where this base is
   * used; its version moves with {@link RegistryBase.reference}.
   */
  readonly tools?: Readonly<Record<string, ToolName>>;
  /** What a registry base brings along and the packages do not: accounts, links, directories. */
  readonly files: readonly LayerEntry[];
  /** Overrides {@link ImageRecipe.config} where this base is used. */
  readonly config?: ImageConfig;
}

export interface LayerSource {
  /** Shown in the image's history. */
  readonly name: string;
  readonly entries: readonly LayerEntry[];
}

/**
 * Paths in the image are relative to its root, without a leading slash. All belongs to root and is
 * dated to the epoch. `mode` defaults to 0o644 for files and 0o755 for directories.
 */
export type LayerEntry =
  | { readonly kind: "text"; readonly path: string; readonly text: string; readonly mode?: number }
  /** `from` is relative to the project's root, or absolute. */
  | { readonly kind: "file"; readonly path: string; readonly from: string; readonly mode?: number }
  /** All files below `from`, those whose name begins with a dot left out. */
  | { readonly kind: "folder"; readonly path: string; readonly from: string }
  | { readonly kind: "directory"; readonly path: string; readonly mode?: number }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string };

/** What a field leaves out is taken from the base. */
export interface ImageConfig {
  /** `uid` or `uid:gid`, as numbers: the kubelet can't prove of a name that it is not root. */
  readonly user?: string;
  /** TCP ports. */
  readonly ports?: readonly number[];
  /** Setting it drops the base's `cmd`, as a Dockerfile does. */
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Default: the base's, else SIGTERM. */
  readonly stopSignal?: string;
}
