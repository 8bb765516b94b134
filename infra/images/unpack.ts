import { constants, createReadStream, createWriteStream } from "node:fs";
import { copyFile, type FileHandle, link, mkdir, open } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { Header } from "tar";

import { ImageCache } from "./cache";
import type { BuiltImage } from "./store";

/** Of a tar archive: a header is one, and what follows it fills whole ones. */
const BLOCK = 512;

interface Member {
  readonly path: string;
  readonly size: number;
  /** Where its bytes begin in the archive. */
  readonly start: number;
}

/**
 * Makes an image layout of an image's archive, in an empty directory. A blob that the cache holds by
 * itself, such as the layers of a base, becomes a hard link to it where the file system has both (crane
 * refuses symbolic ones): most of an image is never copied.
 */
export async function unpackImage(image: BuiltImage, layout: string): Promise<void> {
  const cache = new ImageCache(image.cache);
  await mkdir(path.join(layout, "blobs", "sha256"), { recursive: true });
  for (const member of await membersOf(image.archive)) {
    const target = path.join(layout, member.path);
    const cached = cache.path(member.path);
    if (await cache.has(cached, member.size)) await linkOrCopy(cached, target);
    else await extract(image.archive, member, target);
  }
}

export async function linkOrCopy(source: string, target: string): Promise<void> {
  await link(source, target).catch(() => copyFile(source, target, constants.COPYFILE_FICLONE));
}

async function membersOf(archive: string): Promise<Member[]> {
  const handle = await open(archive);
  try {
    const members: Member[] = [];
    for (let position = 0; ;) {
      const header = await readHeader(handle, position);
      if (header === undefined) return members;
      const start = position + BLOCK;
      members.push({ ...header, start });
      position = start + Math.ceil(header.size / BLOCK) * BLOCK;
    }
  } finally {
    await handle.close();
  }
}

/** @returns undefined at the archive's end, which is an empty block */
async function readHeader(handle: FileHandle, position: number) {
  const block = Buffer.alloc(BLOCK);
  await handle.read(block, 0, BLOCK, position);
  const header = new Header(block);
  if (header.nullBlock) return undefined;
  const { path: name, size, cksumValid } = header;
  if (!cksumValid || name === undefined || size === undefined) {
    throw new Error(`the archive has no header at byte ${position}`);
  }
  return { path: name, size };
}

async function extract(archive: string, { start, size }: Member, target: string): Promise<void> {
  const bytes = { start, end: start + size - 1, highWaterMark: 1024 * 1024 };
  await pipeline(createReadStream(archive, bytes), createWriteStream(target));
}
