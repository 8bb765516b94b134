import { stat } from "node:fs/promises";

import type { ToolName } from "../../toolchain/release";
import { writeArchive, type Blob } from "./archive";
import { resolveBase } from "./base";
import type { BuildContext, ResolvedBase } from "./context";
import { digestOf } from "./canonical";
import { ImageError } from "./errors";
import { hashRecipeInputs } from "./hash";
import { readEntries } from "./layer";
import * as oci from "./oci";
import type { ImageRecipe } from "./recipe";
import { archiveFile, type BuiltImage, imageCache, recall, record } from "./store";
import { writeTar } from "./tar";

export interface BuildOptions {
  /** The tool cache (`$XDG_CACHE_HOME/drydock`); images are kept in its folder `images`. */
  readonly cacheDirectory: string;
  /** The project's directory. Default: the working directory. */
  readonly root?: string;
  /** Path of the `crane` binary. Default: no registry is asked, the fallback base is used. */
  readonly crane?: string;
  /** Path of a program of the toolchain that a fallback base names. Default: there is none. */
  readonly tool?: (name: ToolName) => Promise<string>;
  /** Registry host of the reference. Default `localhost`, which no node can pull from by mistake. */
  readonly registry?: string;
  readonly signal?: AbortSignal;
  /** Called with one line of plain words for each step that takes time. */
  readonly onProgress?: (line: string) => void;
}

/**
 * Builds an image, or returns the one that an earlier call built from the same inputs. Needs neither
 * root nor a container engine; equal inputs and an equal base give an equal digest on any machine.
 *
 * @throws ImageError for what the user can mend; the signal's reason if aborted
 */
export async function buildImage(recipe: ImageRecipe, options: BuildOptions): Promise<BuiltImage> {
  const { context, repository, key } = identify(recipe, options);
  const { cache, signal, onProgress } = context;
  signal?.throwIfAborted();
  const known = await recall(cache, repository, key);
  if (known !== undefined) return known;
  const onWait = () => onProgress(`waiting for another build of ${recipe.name}`);
  return cache.locked(`image-${key}`, { signal, onWait }, async () => {
    const meanwhile = await recall(cache, repository, key);
    if (meanwhile !== undefined) return meanwhile;
    const built = await build(recipe, repository, context);
    await record(cache, key, built);
    return built;
  });
}

/** The image that an earlier build made of the same inputs; undefined: it would be built. */
export function findBuilt(
  recipe: ImageRecipe,
  options: BuildOptions,
): Promise<BuiltImage | undefined> {
  const { context, repository, key } = identify(recipe, options);
  return recall(context.cache, repository, key);
}

function identify(recipe: ImageRecipe, options: BuildOptions) {
  const context = contextOf(options);
  const repository = `${options.registry ?? "localhost"}/${recipe.name}`;
  const inputs = hashRecipeInputs(recipe, context.root);
  const key = digestOf(`${repository} ${context.architecture} ${inputs}`).slice("sha256:".length);
  return { context, repository, key };
}

async function build(
  recipe: ImageRecipe,
  repository: string,
  context: BuildContext,
): Promise<BuiltImage> {
  const { cache, root, architecture, onProgress, signal } = context;
  const base = await resolveBase(recipe.base, context);
  signal?.throwIfAborted();
  onProgress(`building ${recipe.name} on ${base.name}`);
  const layers = recipe.layers.map(({ entries }) =>
    toBlob(oci.MEDIA_TYPES.layer, writeTar(readEntries(entries, root))),
  );
  const { config, manifest } = describe(recipe, base, layers, architecture);
  const digest = manifest.digest;
  const reference = `${repository}@${digest}`;
  const archive = archiveFile(cache, repository, digest);
  const baseBlobs = base.layers.map((layer) => ({ ...layer, file: cache.blob(layer.digest) }));
  const blobs = [...baseBlobs, ...layers, config, manifest];
  const content = { reference, architecture, manifest: toDescriptor(manifest), blobs };
  await cache.replace(archive, (file) => writeArchive(file, content));
  const { size } = await stat(archive);
  const made = { reference, digest, archive, cache: cache.directory, size };
  return { ...made, base: base.kind, baseName: base.name };
}

type MemoryBlob = Extract<Blob, { data: Buffer }>;

function describe(
  recipe: ImageRecipe,
  base: ResolvedBase,
  layers: readonly MemoryBlob[],
  architecture: oci.Architecture,
): { config: MemoryBlob; manifest: MemoryBlob } {
  const labels = labelsOf(recipe, base);
  const runtime = oci.mergeConfig(runtimeOf(recipe, base), { labels });
  const diffIds = [...base.diffIds, ...layers.map((layer) => layer.digest)];
  const history = [...base.history, ...recipe.layers.map(({ name }) => oci.historyOf(name))];
  const config = toBlob(
    oci.MEDIA_TYPES.config,
    oci.imageConfig({ architecture, runtime, diffIds, history }),
  );
  const all = [...base.layers, ...layers.map(toDescriptor)];
  const manifest = toBlob(
    oci.MEDIA_TYPES.manifest,
    oci.imageManifest(toDescriptor(config), all, labels),
  );
  return { config, manifest };
}

/** The base's configuration, the recipe's over it, and over that what a fallback base says. */
function runtimeOf(recipe: ImageRecipe, base: ResolvedBase): oci.RuntimeConfig {
  const merged = oci.mergeConfig(base.runtime, recipe.config);
  const { base: source } = recipe;
  if (base.kind !== "debian" || source.kind !== "registry") return merged;
  return oci.mergeConfig(merged, source.fallback.config ?? {});
}

/** Neither a date nor a commit: with them equal content would get another digest each time. */
function labelsOf(recipe: ImageRecipe, base: ResolvedBase): Record<string, string> {
  const prefix = "org.opencontainers.image";
  return {
    [`${prefix}.title`]: recipe.title,
    [`${prefix}.description`]: recipe.description,
    ...(base.version !== undefined && { [`${prefix}.version`]: base.version }),
    ...(recipe.source !== undefined && { [`${prefix}.source`]: recipe.source }),
    ...(recipe.licenses !== undefined && { [`${prefix}.licenses`]: recipe.licenses }),
    [`${prefix}.base.name`]: base.name,
    ...(base.digest !== undefined && { [`${prefix}.base.digest`]: base.digest }),
    ...(base.packages && { "dev.drydock.base.packages": base.packages.join(" ") }),
  };
}

function toBlob(mediaType: string, content: Buffer | string): MemoryBlob {
  const data = Buffer.from(content);
  return { mediaType, digest: digestOf(data), size: data.length, data };
}

function toDescriptor({ mediaType, digest, size }: MemoryBlob): oci.Descriptor {
  return { mediaType, digest, size };
}

function contextOf(options: BuildOptions): BuildContext {
  const { cacheDirectory, root = process.cwd(), crane, tool, signal, onProgress } = options;
  return {
    cache: imageCache(cacheDirectory),
    root,
    architecture: oci.hostArchitecture(),
    crane,
    tool: tool ?? noTool,
    signal,
    onProgress: onProgress ?? (() => undefined),
  };
}

function noTool(name: ToolName): Promise<string> {
  return Promise.reject(
    new ImageError({
      what: "An image needs a program that is not at hand.",
      where: name,
      why: "the image's registry does not answer, and nobody looks for the program",
      fix: "make the registry reachable, or build the image where the project's tools are found",
    }),
  );
}
