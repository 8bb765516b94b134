import { chmod, mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lock } from "proper-lockfile";

import { isAlive } from "./alive";
import { errorCode, errorPath, reasonOf, ToolError } from "./errors";
import { isExecutable, probeVersion } from "./probe";
import { titleOf, type Platform, type Release } from "./release";

const MANIFEST = "origin.json";
const LOCK_STALE_MS = 15_000;
const LOCK_POLL_MS = 500;
const LEFTOVER_AGE_MS = 24 * 60 * 60 * 1000;
const DEAD_LEFTOVER_AGE_MS = 10 * 60 * 1000;

/** What an entry of the cache is made of; written last, so an entry without it does not exist. */
export interface Origin {
  readonly source: "download" | "build";
  /** URL, or Go module folder. */
  readonly from: string;
  /** Bytes of each file: a file of another size is damaged, and the entry is made anew. */
  readonly files: Readonly<Record<string, number>>;
}

export interface Cache {
  readonly directory: string;
  readonly platform: Platform;
}

export const entryDirectory = ({ directory, platform }: Cache, release: Release): string =>
  join(directory, "tools", `${release.name}-${release.version}-${platform}`);

/** The entry of a release, if it is whole. */
export async function readEntry(cache: Cache, release: Release): Promise<Origin | undefined> {
  const directory = entryDirectory(cache, release);
  try {
    const origin = JSON.parse(await readFile(join(directory, MANIFEST), "utf8")) as Origin;
    for (const { name } of release.tools) {
      const path = join(directory, name);
      const whole = (await stat(path)).size === origin.files[name] && (await isExecutable(path));
      if (!whole) return undefined;
    }
    return origin;
  } catch {
    return undefined;
  }
}

/** A folder for work in progress on the same filesystem as the entries, so that a rename is atomic. */
export async function makeStage(cache: Cache): Promise<string> {
  const base = join(cache.directory, "stage");
  await guardCache(cache, async () => {
    await mkdir(base, { recursive: true });
    await removeLeftovers(base);
  });
  const stage = join(base, `${process.pid}-${randomBytes(6).toString("hex")}`);
  await guardCache(cache, () => mkdir(stage));
  return stage;
}

/** Removes what killed runs left behind; a name that starts with a live process id is in use. */
export async function removeLeftovers(base: string): Promise<void> {
  for (const name of await readdir(base)) {
    const path = join(base, name);
    const age = Date.now() - (await stat(path).then((found) => found.mtimeMs, Date.now));
    // A name without a process id is judged by its age alone.
    const pid = parseInt(name, 10);
    const limit = Number.isNaN(pid) || isAlive(pid) ? LEFTOVER_AGE_MS : DEAD_LEFTOVER_AGE_MS;
    if (age > limit) await rm(path, { recursive: true, force: true });
  }
}

/** Checks that the staged tools run and are of the pinned version, then makes them the release's entry. */
export async function installEntry(
  cache: Cache,
  release: Release,
  stage: string,
  origin: Omit<Origin, "files">,
): Promise<void> {
  const files: Record<string, number> = {};
  for (const tool of release.tools) {
    const path = join(stage, tool.name);
    await chmod(path, 0o755);
    files[tool.name] = (await stat(path)).size;
    const version = await probeVersion(path, tool).catch((error: unknown) => {
      throw new ToolError({
        what: `${titleOf(release)}: ${tool.name} does not run here`,
        where: origin.from,
        why: reasonOf(error),
        fix: `check that ${cache.directory} is not mounted noexec, or set XDG_CACHE_HOME`,
      });
    });
    if (version !== release.version) {
      throw new ToolError({
        what: `${titleOf(release)}: ${tool.name} says it is version ${version}`,
        where: origin.from,
      });
    }
  }
  const target = entryDirectory(cache, release);
  await guardCache(cache, async () => {
    await writeFile(join(stage, MANIFEST), `${JSON.stringify({ ...origin, files }, null, 2)}\n`);
    await mkdir(join(cache.directory, "tools"), { recursive: true });
    // The caller holds the release's lock: what lies here is a damaged entry.
    await rm(target, { recursive: true, force: true });
    await rename(stage, target);
  });
}

/**
 * Runs `work` while no other process does so under the same key. A holder that died is replaced after
 * 15 seconds.
 * @param onWait called once when another process holds the lock
 */
export async function withLock<T>(
  cache: Cache,
  key: string,
  { signal, onWait }: { signal?: AbortSignal | undefined; onWait?: (() => void) | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const folder = join(cache.directory, "locks");
  await guardCache(cache, () => mkdir(folder, { recursive: true }));
  let release: (() => Promise<void>) | undefined;
  for (let waited = false; release === undefined; waited = true) {
    signal?.throwIfAborted();
    try {
      release = await guardCache(cache, () =>
        lock(join(folder, key), {
          realpath: false,
          stale: LOCK_STALE_MS,
          // A lock lost to a suspended machine does no harm: entries are made by one rename.
          onCompromised: () => undefined,
        }),
      );
    } catch (error) {
      if (errorCode(error) !== "ELOCKED") throw error;
      if (!waited) onWait?.();
      await sleep(LOCK_POLL_MS, undefined, { ...(signal && { signal }) });
    }
  }
  try {
    return await work();
  } finally {
    await release().catch(() => undefined);
  }
}

const FULL = new Set(["ENOSPC", "EDQUOT"]);
const UNUSABLE = new Set(["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "EISDIR"]);

/** Turns what the filesystem says about the cache into one message with a remedy. */
export async function guardCache<T>(cache: Cache, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw cacheError(cache, error) ?? error;
  }
}

function cacheError(cache: Cache, error: unknown): ToolError | undefined {
  const code = errorCode(error) ?? "";
  if (FULL.has(code)) return diskFull(cache.directory, { cause: error });
  // Node reports a recursive mkdir on a read-only filesystem as ENOENT.
  const hidden = code === "ENOENT" && reasonOf(error).includes("mkdir");
  if (!hidden && !UNUSABLE.has(code)) return undefined;
  return new ToolError(
    {
      what: "the tool cache cannot be written",
      where: errorPath(error) ?? cache.directory,
      why: hidden ? "no folder can be made there; is it read-only?" : reasonOf(error),
      fix: "make it a folder that you can write, or set XDG_CACHE_HOME to another one",
    },
    { cause: error },
  );
}

export function diskFull(where: string, options?: ErrorOptions): ToolError {
  return new ToolError(
    {
      what: "no space left on the disk",
      where,
      why: "all tools together need about 3 GB while they are fetched, and 2 GB afterwards; images are kept beside them",
      fix: `free some space (df -h ${where}), or set XDG_CACHE_HOME to a folder on another disk`,
    },
    options,
  );
}
