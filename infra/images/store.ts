import { readdir, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";

import type { ResolvedBase } from "./context";
import { ImageCache } from "./cache";

export interface BuiltImage {
  /** `localhost/drydock/nginx@sha256:…`: what a pod names. */
  readonly reference: string;
  /** Of the manifest. */
  readonly digest: string;
  /** Absolute path of the OCI archive; `ctr -n k8s.io images import` takes it as it is. */
  readonly archive: string;
  /** Absolute path of the image cache, which holds the layers of bases by themselves, too. */
  readonly cache: string;
  /** Bytes of the archive. */
  readonly size: number;
  readonly base: ResolvedBase["kind"];
  /** Registry reference, or release and `packages`, as in the image's labels. */
  readonly baseName: string;
}

/** An archive takes as much disk as its image; so many of one repository are kept. */
const KEPT_ARCHIVES = 5;

const SBOM_ENDING = ".cdx.json";

/** The images' part of the tool cache. */
export function imageCache(cacheDirectory: string): ImageCache {
  return new ImageCache(path.join(cacheDirectory, "images"));
}

/** Where the SBOM of an image is kept. */
export function sbomFile({ archive }: Pick<BuiltImage, "archive">): string {
  return `${archive.slice(0, -".tar".length)}${SBOM_ENDING}`;
}

/** @param repository with its registry host, without tag or digest */
export function archiveFile(cache: ImageCache, repository: string, digest: string): string {
  return cache.path("archives", repository, `${digest.slice("sha256:".length)}.tar`);
}

/**
 * The archive of an image that was built before, whatever its recipe says now.
 *
 * @param reference as in {@link BuiltImage.reference}
 * @returns undefined if the cache no longer has it
 */
export async function findArchive(
  reference: string,
  { cacheDirectory }: { readonly cacheDirectory: string },
): Promise<string | undefined> {
  const [, repository, digest] = /^([^@]+)@(sha256:[0-9a-f]{64})$/.exec(reference) ?? [];
  if (repository === undefined || digest === undefined) return undefined;
  const file = archiveFile(imageCache(cacheDirectory), repository, digest);
  return stat(file).then(
    () => file,
    () => undefined,
  );
}

/** The image that an earlier build recorded for these inputs, if its archive is there in full. */
export async function recall(
  cache: ImageCache,
  repository: string,
  key: string,
): Promise<BuiltImage | undefined> {
  const built = await cache.readJson(recordFile(cache, key));
  if (!isBuiltImage(built)) return undefined;
  // Not as recorded: the cache may have been moved, or be reached by another way.
  const archive = archiveFile(cache, repository, built.digest);
  if (!(await cache.has(archive, built.size))) return undefined;
  // Its age is the time since its last use, for `prune`. Not worth failing for.
  const now = new Date();
  await utimes(archive, now, now).catch(() => undefined);
  return { ...built, archive, cache: cache.directory };
}

export async function record(cache: ImageCache, key: string, built: BuiltImage): Promise<void> {
  await cache.write(recordFile(cache, key), JSON.stringify(built));
  await prune(path.dirname(built.archive));
  await cache.sweep();
}

function recordFile(cache: ImageCache, key: string): string {
  return cache.path("built", `${key}.json`);
}

/** Removes the archives of a repository that were not used for longest. */
async function prune(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".tar"));
  const aged = await Promise.all(
    names.map(async (name) => {
      const file = path.join(folder, name);
      // Another process may have removed it since.
      const usedAt = await stat(file).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      );
      return { file, usedAt };
    }),
  );
  const oldestLast = aged.sort((a, b) => b.usedAt - a.usedAt);
  for (const { file } of oldestLast.slice(KEPT_ARCHIVES)) {
    await rm(file, { force: true });
    await rm(sbomFile({ archive: file }), { force: true });
  }
}

function isBuiltImage(value: unknown): value is BuiltImage {
  return typeof value === "object" && value !== null && "digest" in value && "size" in value;
}
