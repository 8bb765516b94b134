import { readFile, rename } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";

import type { BuildContext, ResolvedBase } from "./context";
import { lastLine } from "./errors";
import { blobPath, envValue, type Descriptor, type HistoryEntry, type RuntimeConfig } from "./oci";
import type { RegistryBase } from "./recipe";

/** A registry that has not said by then which image it holds is taken as not reachable. */
const PROBE_TIMEOUT_MS = 5_000;
const PULL_TIMEOUT_MS = 5 * 60_000;

/** The registry can't be reached, or does not give the image; the message is its last word. */
export class RegistryUnavailable extends Error {}

/**
 * Pulls a base image with crane into the cache.
 *
 * @throws RegistryUnavailable
 */
export async function pullBase(
  base: RegistryBase,
  crane: string,
  context: BuildContext,
): Promise<ResolvedBase> {
  const { onProgress, architecture, cache } = context;
  const platform = ["--platform", `linux/${architecture}`];
  const { reference } = base;
  const digest = await run(crane, ["digest", ...platform, reference], PROBE_TIMEOUT_MS, context);
  onProgress(`pulling ${reference}`);
  return cache.temporary(async (directory) => {
    const layout = path.join(directory, "layout");
    const pinned = `${reference.replace(/(:[^:/@]+)?(@.*)?$/, "")}@${digest}`;
    const pull = ["pull", "--format", "oci", ...platform, pinned, layout];
    await run(crane, pull, PULL_TIMEOUT_MS, context);
    return importLayout(layout, base, digest, context);
  });
}

interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

interface Config {
  readonly config?: RuntimeConfig;
  readonly rootfs: { readonly diff_ids: readonly string[] };
  readonly history?: readonly HistoryEntry[];
}

async function importLayout(
  layout: string,
  { reference, versionVariable }: RegistryBase,
  digest: string,
  { cache }: BuildContext,
): Promise<ResolvedBase> {
  const blob = (name: string) => path.join(layout, blobPath(name));
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(blob(name), "utf8"));
  // crane has checked each blob against the digest that the reference pins.
  const manifest = (await read(digest)) as Manifest;
  const config = (await read(manifest.config.digest)) as Config;
  for (const layer of manifest.layers) {
    await cache.replace(cache.blob(layer.digest), (file) => rename(blob(layer.digest), file));
  }
  const runtime = config.config ?? {};
  const version = versionVariable && envValue(runtime.Env, versionVariable);
  return {
    kind: "registry",
    name: reference,
    digest,
    ...(version && { version }),
    layers: manifest.layers.map(({ mediaType, digest, size }) => ({
      mediaType: asOci(mediaType),
      digest,
      size,
    })),
    diffIds: config.rootfs.diff_ids,
    history: config.history ?? [],
    runtime,
  };
}

/** Docker's layer type means the same bytes; an OCI manifest names them by OCI's. */
function asOci(mediaType: string): string {
  return mediaType === "application/vnd.docker.image.rootfs.diff.tar.gzip"
    ? "application/vnd.oci.image.layer.v1.tar+gzip"
    : mediaType;
}

async function run(
  crane: string,
  args: readonly string[],
  timeout: number,
  { signal }: BuildContext,
): Promise<string> {
  const result = await execa(crane, args, {
    reject: false,
    timeout,
    stdin: "ignore",
    ...(signal && { cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  if (!result.failed) return result.stdout;
  const why = result.timedOut
    ? `no answer within ${timeout / 1000} s`
    : lastLine(result.stderr === "" ? (result.shortMessage ?? "") : result.stderr);
  throw new RegistryUnavailable(why);
}
