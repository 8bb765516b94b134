import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

import { compare } from "./canonical";
import { ImageError } from "./errors";
import type { LayerEntry } from "./recipe";
import type { TarEntry } from "./tar";

/**
 * The members that a layer's entries stand for, read from disk. File modes on disk are ignored:
 * they differ with the umask of whoever made the checkout.
 *
 * @param root directory that relative `from` paths start at
 * @throws ImageError for a source that is missing, or that is neither a file nor a directory
 */
export function readEntries(entries: readonly LayerEntry[], root: string): TarEntry[] {
  return entries.flatMap((entry) => readEntry(entry, root));
}

function readEntry(entry: LayerEntry, root: string): TarEntry[] {
  const { path: target } = entry;
  switch (entry.kind) {
    case "text":
      return [file(target, Buffer.from(entry.text), entry.mode)];
    case "file":
      return [file(target, readSource(path.resolve(root, entry.from)), entry.mode)];
    case "folder":
      return readFolder(path.resolve(root, entry.from), target);
    case "directory":
      return [{ kind: "directory", path: target, mode: entry.mode ?? 0o755 }];
    case "symlink":
      return [{ kind: "symlink", path: target, target: entry.target }];
  }
}

function file(target: string, data: Buffer, mode = 0o644): TarEntry {
  return { kind: "file", path: target, mode, data };
}

function readFolder(folder: string, target: string): TarEntry[] {
  const names = readOrExplain(folder, () => readdirSync(folder));
  return names
    .filter((name) => !name.startsWith("."))
    .sort(compare)
    .flatMap((name) => {
      const from = path.join(folder, name);
      const to = path.posix.join(target, name);
      return readOrExplain(from, () => statSync(from)).isDirectory()
        ? readFolder(from, to)
        : [file(to, readSource(from))];
    });
}

function readSource(from: string): Buffer {
  return readOrExplain(from, () => readFileSync(from));
}

function readOrExplain<T>(where: string, reading: () => T): T {
  try {
    return reading();
  } catch (error) {
    throw new ImageError(
      {
        what: "A file that belongs into an image can't be read.",
        where,
        why: error instanceof Error ? error.message : String(error),
        fix: "restore it (git status shows what is missing), or correct the image's recipe",
      },
      { cause: error },
    );
  }
}
