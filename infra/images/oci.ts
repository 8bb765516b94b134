import { ImageError } from "./errors";
import type { ImageConfig } from "./recipe";

export const MEDIA_TYPES = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const;

/** A blob as an OCI manifest names it. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** The part of an OCI image configuration that a container is started with. */
export interface RuntimeConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null | undefined;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly StopSignal?: string;
  readonly Volumes?: Readonly<Record<string, object>>;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly empty_layer?: boolean;
}

export interface ImageContent {
  readonly architecture: Architecture;
  readonly runtime: RuntimeConfig;
  /** Digests of the uncompressed layers, from the bottom up. */
  readonly diffIds: readonly string[];
  readonly history: readonly HistoryEntry[];
}

/** As OCI and Go write it. */
export type Architecture = "amd64" | "arm64";

/** The date of everything made here: a real one would give each build another digest. */
const CREATED = "1970-01-01T00:00:00Z";

export function imageConfig(content: ImageContent): string {
  const { architecture, runtime, diffIds, history } = content;
  return JSON.stringify({
    created: CREATED,
    architecture,
    os: "linux",
    config: runtime,
    rootfs: { type: "layers", diff_ids: diffIds },
    history,
  });
}

export function imageManifest(
  config: Descriptor,
  layers: readonly Descriptor[],
  annotations: Readonly<Record<string, string>>,
): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config,
    layers,
    annotations,
  });
}

/**
 * The index of an archive with one image. The name stands outside of what the digest covers, so it
 * can hold the digest: containerd then knows the image by the reference that pods use.
 */
export function imageIndex(
  manifest: Descriptor,
  reference: string,
  architecture: Architecture,
): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: [
      {
        ...manifest,
        platform: { architecture, os: "linux" },
        annotations: { "io.containerd.image.name": reference },
      },
    ],
  });
}

/** Where an image layout, an archive of one and the image cache keep a blob. */
export function blobPath(digest: string): string {
  return `blobs/${digest.replace(":", "/")}`;
}

export function historyOf(layerName: string): HistoryEntry {
  return { created: CREATED, created_by: `drydock: ${layerName}` };
}

/** `base` with what `config` says laid over it. */
export function mergeConfig(base: RuntimeConfig, config: ImageConfig): RuntimeConfig {
  const { user, ports, entrypoint, cmd, env, labels, stopSignal } = config;
  const inheritedCmd = entrypoint === undefined ? base.Cmd : undefined;
  return {
    ...base,
    ...(entrypoint !== undefined && { Entrypoint: entrypoint }),
    Cmd: cmd ?? inheritedCmd,
    ...(user !== undefined && { User: user }),
    ...(ports !== undefined && {
      ExposedPorts: Object.fromEntries(ports.map((port) => [`${port}/tcp`, {}])),
    }),
    ...(env !== undefined && { Env: mergeEnv(base.Env ?? [], env) }),
    ...(labels !== undefined && { Labels: { ...base.Labels, ...labels } }),
    ...(stopSignal !== undefined && { StopSignal: stopSignal }),
  };
}

/** The value of a variable in `NAME=value` lines. */
export function envValue(env: readonly string[] | undefined, name: string): string | undefined {
  return env?.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
}

function mergeEnv(base: readonly string[], env: Readonly<Record<string, string>>): string[] {
  const kept = base.filter((line) => !(line.slice(0, line.indexOf("=")) in env));
  return [...kept, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
}

/** What images are built for: the architecture of this machine. */
export function hostArchitecture(): Architecture {
  if (process.arch === "x64") return "amd64";
  if (process.arch === "arm64") return "arm64";
  throw new ImageError({
    what: "No image can be built for this machine.",
    why: `its processor architecture, ${process.arch}, is neither x64 nor arm64`,
    fix: "run on a 64-bit Intel, AMD or ARM machine",
  });
}
