import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { unpackRelease } from "./archive";
import {
  buildReleases,
  checkBuildRequirements,
  fetchModules,
  stillMissing,
  type BuildContext,
} from "./build";
import { guardCache, installEntry, makeStage, readEntry, removeLeftovers, withLock } from "./cache";
import type { Cache } from "./cache";
import { Downloader, DownloadError, type Limits } from "./download";
import { ToolError } from "./errors";
import type { Environment } from "./paths";
import { expand, titleOf, type RecipeName, type Release } from "./release";
import { RECIPES } from "./tools";

/** What a run does, for whoever shows it. */
export type Progress =
  | { readonly kind: "plan"; readonly groups: readonly ProgressGroup[] }
  | { readonly kind: "status"; readonly group: string; readonly text: string }
  | { readonly kind: "done"; readonly group: string }
  /** Worth keeping on the screen, for example why a tool is built and not downloaded. */
  | { readonly kind: "note"; readonly text: string };

export interface ProgressGroup {
  readonly name: string;
  readonly title: string;
}

/** One call of resolveTools, with every default filled in. */
export interface Run {
  readonly cache: Cache;
  readonly env: Environment;
  readonly signal: AbortSignal | undefined;
  readonly report: (progress: Progress) => void;
  readonly mirror: string | undefined;
  readonly downloads: boolean;
  readonly limits: Limits | undefined;
  readonly releases: readonly Release[];
  readonly goDirectory: string;
  readonly background: boolean;
}

/** How each release came into the cache; `cache`: another process put it there meanwhile. */
export type Origins = Map<Release, "cache" | "download" | "build">;

/** Downloads what can be downloaded, all at once; then builds the rest, one recipe after the other. */
export async function obtain(missing: readonly Release[], run: Run): Promise<Origins> {
  const origins: Origins = new Map();
  const reasons = new Map<Release, string>();
  const waiting = new Set(missing);
  const finish = (release: Release, origin: "cache" | "download" | "build") => {
    origins.set(release, origin);
    waiting.delete(release);
    const busy = [...waiting].some(({ recipe }) => recipe === release.recipe);
    if (!busy) run.report({ kind: "done", group: release.recipe });
  };

  await downloadAll(missing, run, async (release, work) => {
    try {
      finish(release, await work);
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      reasons.set(release, error.message);
    }
  });

  if (reasons.size > 0) {
    const distinct = [...new Set(reasons.values())].join("; ");
    run.report({ kind: "note", text: `built from source, because not downloadable: ${distinct}` });
  }
  await buildAll(reasons, run, finish);
  return origins;
}

async function buildAll(
  reasons: ReadonlyMap<Release, string>,
  run: Run,
  finish: (release: Release, origin: "build" | "cache") => void,
): Promise<void> {
  const releases = [...reasons.keys()];
  if (releases.length === 0) return;
  await checkBuildRequirements(releases, run.env).catch((error: unknown) => {
    throw error instanceof ToolError ? withReason(error, releases, reasons) : error;
  });
  const groups = (Object.keys(RECIPES) as RecipeName[])
    .map((recipe) => ({ recipe, releases: releases.filter((it) => it.recipe === recipe) }))
    .filter((group) => group.releases.length > 0);
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, ...(run.signal ? [run.signal] : [])]);
  const ahead = fetchAhead(groups.slice(1), { ...run, signal });
  try {
    for (const { recipe, releases: group } of groups) {
      const built = await buildGroup(recipe, group, reasons, run);
      for (const release of group) finish(release, built.has(release) ? "build" : "cache");
    }
  } finally {
    stop.abort();
    await ahead;
  }
}

interface BuildGroup {
  readonly recipe: RecipeName;
  readonly releases: readonly Release[];
}

/** Fetches what later builds need while an earlier one compiles; a failure is told by the build itself. */
async function fetchAhead(groups: readonly BuildGroup[], run: Run): Promise<void> {
  for (const { recipe, releases } of groups) {
    const context = buildContext(recipe, run);
    const fetched = await fetchModules(recipe, releases, context).catch(() => undefined);
    if (fetched !== undefined) context.onStatus("modules fetched, waiting");
  }
}

function buildContext(recipe: RecipeName, run: Run): BuildContext {
  const onStatus = (text: string) => run.report({ kind: "status", group: recipe, text });
  return { ...run, onStatus };
}

/** The first failure that a build cannot mend stops all transfers, and is thrown when they have ended. */
async function downloadAll(
  missing: readonly Release[],
  run: Run,
  settle: (release: Release, work: Promise<"download" | "cache">) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, ...(run.signal ? [run.signal] : [])]);
  const downloader = new Downloader(run.env, run.limits);
  try {
    await Promise.all(
      missing.map(async (release) => {
        try {
          await settle(release, downloadRelease(release, downloader, { ...run, signal }));
        } catch (error) {
          stop.abort(error);
        }
      }),
    );
  } finally {
    await downloader.close();
  }
  signal.throwIfAborted();
}

function downloadUrl(release: Release, { mirror, cache }: Run): string | undefined {
  if (release.url === undefined) return undefined;
  const url = expand(release.url, release.version, cache.platform);
  if (mirror === undefined || mirror === "") return url;
  const { host, pathname } = new URL(url);
  return `${mirror.replace(/\/$/, "")}/${host}${pathname}`;
}

async function downloadRelease(
  release: Release,
  downloader: Downloader,
  run: Run,
): Promise<"download" | "cache"> {
  const { cache, signal } = run;
  const sha256 = release.sha256[cache.platform];
  if (!run.downloads) throw new DownloadError("DRYDOCK_DOWNLOADS is off");
  const url = downloadUrl(release, run);
  if (sha256 === undefined || url === undefined) {
    throw new DownloadError(`no pinned release for ${cache.platform}`);
  }
  const status = (text: string) =>
    run.report({ kind: "status", group: release.recipe, text: `${titleOf(release)}: ${text}` });
  const onWait = () => status("another drydock is fetching it, waiting");
  return withLock(cache, `${release.name}-${cache.platform}`, { signal, onWait }, async () => {
    if ((await readEntry(cache, release)) !== undefined) return "cache";
    const folder = join(cache.directory, "downloads");
    const target = join(folder, `${release.name}-${sha256.slice(0, 16)}.part`);
    const stage = await makeStage(cache);
    try {
      await guardCache(cache, async () => {
        await mkdir(folder, { recursive: true });
        await removeLeftovers(folder);
        const title = titleOf(release);
        const onBytes = (received: number, total?: number) => status(megabytes(received, total));
        await downloader.download({ url, sha256, title, target, signal, onBytes });
        status("unpacking");
        await unpackRelease(release, cache.platform, target, stage);
      });
      await installEntry(cache, release, stage, { source: "download", from: url });
      await rm(target, { force: true });
      return "download";
    } finally {
      await rm(stage, { recursive: true, force: true });
    }
  });
}

const megabytes = (received: number, total: number | undefined): string =>
  `${(received / 1e6).toFixed(0)}${total === undefined ? "" : ` of ${(total / 1e6).toFixed(0)}`} MB`;

async function buildGroup(
  recipe: RecipeName,
  group: readonly Release[],
  reasons: ReadonlyMap<Release, string>,
  run: Run,
): Promise<ReadonlySet<Release>> {
  const { cache, signal } = run;
  const context = buildContext(recipe, run);
  const onWait = () => context.onStatus("another drydock is building it, waiting");
  return withLock(cache, `build-${recipe}-${cache.platform}`, { signal, onWait }, async () => {
    const releases = await stillMissing(cache, group);
    if (releases.length === 0) return new Set();
    try {
      await buildReleases(recipe, releases, context);
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      throw withReason(error, releases, reasons);
    }
    return new Set(releases);
  });
}

/** A build that cannot be done is only half of the story: the other half is why it was needed. */
function withReason(
  error: ToolError,
  releases: readonly Release[],
  reasons: ReadonlyMap<Release, string>,
): ToolError {
  const names = releases.map(titleOf).join(", ");
  const downloads = [...new Set(releases.map((release) => reasons.get(release)))].join("; ");
  const why = [error.details.why, `${names} could not be downloaded: ${downloads}`];
  return new ToolError(
    { ...error.details, why: why.filter((line) => line !== undefined).join("\n       ") },
    { cause: error },
  );
}
