import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lock } from "proper-lockfile";

import { ImageError } from "./errors";
import { blobPath } from "./oci";

const LOCK_POLL_MS = 200;
const LOCK_STALE_MS = 30_000;
/** No build takes this long. */
const LEFTOVER_MS = 24 * 60 * 60_000;

/** The `images` folder of the tool cache. All in it can be deleted at any time: it is made anew. */
export class ImageCache {
  constructor(readonly directory: string) {}

  path(...parts: string[]): string {
    return path.join(this.directory, ...parts);
  }

  blob(digest: string): string {
    return this.path(blobPath(digest));
  }

  /** True if the file is there in full. */
  async has(file: string, sizeBytes: number): Promise<boolean> {
    return stat(file).then(
      (found) => found.size === sizeBytes,
      () => false,
    );
  }

  async readJson(file: string): Promise<unknown> {
    try {
      return JSON.parse(await readFile(file, "utf8"));
    } catch {
      // Missing or damaged is the same here: it is made anew.
      return undefined;
    }
  }

  async write(file: string, content: string | Buffer): Promise<void> {
    await this.replace(file, (temporary) => writeFile(temporary, content));
  }

  /** Puts a file in place whole or not at all, also when two processes do it at once. */
  async replace(file: string, fill: (temporary: string) => Promise<unknown>): Promise<void> {
    await this.temporary(async (directory) => {
      const temporary = path.join(directory, path.basename(file));
      await fill(temporary);
      await mkdir(path.dirname(file), { recursive: true });
      await rename(temporary, file);
    });
  }

  /** A directory for the time of `use`. It lies in the cache, so that moving out of it is a rename. */
  async temporary<T>(use: (directory: string) => Promise<T>): Promise<T> {
    const directory = this.path("temporary", randomUUID());
    try {
      await mkdir(directory, { recursive: true });
      return await use(directory);
    } catch (error) {
      throw explainWrite(error, this.directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Removes what builds that were killed have left behind. */
  async sweep(): Promise<void> {
    const folder = this.path("temporary");
    for (const name of await readdir(folder).catch(() => [])) {
      const left = path.join(folder, name);
      const { mtimeMs } = await stat(left).catch(() => ({ mtimeMs: Date.now() }));
      if (Date.now() - mtimeMs > LEFTOVER_MS) await rm(left, { recursive: true, force: true });
    }
  }

  /** Holds back other processes, and other callers in this one, that work under the same name. */
  async locked<T>(
    name: string,
    { signal, onWait }: { signal?: AbortSignal | undefined; onWait: () => void },
    work: () => Promise<T>,
  ): Promise<T> {
    const release = await this.acquire(this.path("locks", name), signal, onWait);
    try {
      return await work();
    } finally {
      // Another process may have judged the lock stale and taken it over; it releases it then.
      await release().catch(() => undefined);
    }
  }

  private async acquire(file: string, signal: AbortSignal | undefined, onWait: () => void) {
    await mkdir(path.dirname(file), { recursive: true }).catch((error: unknown) => {
      throw explainWrite(error, this.directory);
    });
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      try {
        // A lock lost to a suspended machine does no harm (each file is put in place by rename),
        // but the library's own handler would throw outside of any call.
        const options = { realpath: false, stale: LOCK_STALE_MS, onCompromised: () => undefined };
        return await lock(file, options);
      } catch (error) {
        if (errorCode(error) !== "ELOCKED") throw explainWrite(error, this.directory);
      }
      if (attempt === 0) onWait();
      await sleep(LOCK_POLL_MS, undefined, signal && { signal });
    }
  }
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

const FIXES: Readonly<Record<string, string>> = {
  ENOSPC: "free disk space there, or set XDG_CACHE_HOME to a disk with room",
  EDQUOT: "free disk space there, or set XDG_CACHE_HOME to a disk with room",
  EACCES: "make the folder writable for you, or set XDG_CACHE_HOME to one that is",
  EPERM: "make the folder writable for you, or set XDG_CACHE_HOME to one that is",
  EROFS: "set XDG_CACHE_HOME to a folder on a writable disk",
};

function explainWrite(error: unknown, where: string): unknown {
  const fix = FIXES[errorCode(error) ?? ""];
  if (fix === undefined || !(error instanceof Error)) return error;
  // A program that can't be started fails with the same codes.
  if (!("syscall" in error) || String(error.syscall).startsWith("spawn")) return error;
  const what = "An image can't be written to the cache.";
  return new ImageError({ what, where, why: error.message, fix }, { cause: error });
}
