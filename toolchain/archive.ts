import { createWriteStream } from "node:fs";
import { copyFile } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import { list, type ReadEntry } from "tar";

import { ToolError } from "./errors";
import { expand, titleOf, type Platform, type Release } from "./release";

/**
 * Puts a release's tools from the downloaded file into a folder, each under its own name. Only the
 * members of the table are read from an archive, and each is written under its base name: an archive
 * cannot place a file anywhere else.
 */
export async function unpackRelease(
  release: Release,
  platform: Platform,
  file: string,
  folder: string,
): Promise<void> {
  const wanted = new Map<string, string>();
  for (const { name, member } of release.tools) {
    if (member === undefined) await copyFile(file, join(folder, name));
    else wanted.set(memberPath(expand(member, release.version, platform)), name);
  }
  if (wanted.size === 0) return;
  const missing = new Set(wanted.keys());
  for (const companion of release.companions ?? [])
    wanted.set(memberPath(companion), basename(companion));
  for (const member of await extract(file, wanted, folder)) missing.delete(member);
  const [absent] = missing;
  if (absent !== undefined) {
    throw new ToolError({
      what: `${titleOf(release)}: the archive does not hold ${absent}`,
      where: expand(release.url ?? "", release.version, platform),
    });
  }
}

/** `./bridge` and `bridge` are the same member. */
const memberPath = (path: string): string => posix.normalize(path);

async function extract(
  file: string,
  wanted: ReadonlyMap<string, string>,
  folder: string,
): Promise<Set<string>> {
  const found = new Set<string>();
  const writes: Promise<void>[] = [];
  await list({
    file,
    onReadEntry: (entry: ReadEntry) => {
      const member = memberPath(entry.path);
      const name = wanted.get(member);
      if (name === undefined || entry.type !== "File") {
        entry.resume();
        return;
      }
      found.add(member);
      const write = pipeline(entry, createWriteStream(join(folder, name), { mode: 0o755 }));
      writes.push(
        write.catch((error: unknown) => {
          // A failed write must not hold up the rest of the archive for ever.
          entry.resume();
          throw error;
        }),
      );
    },
  });
  const results = await Promise.allSettled(writes);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason as Error;
  return found;
}
