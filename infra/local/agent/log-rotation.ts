import { type FileHandle, open, readdir, rename, stat, truncate } from "node:fs/promises";
import { join } from "node:path";

export interface RotationLimits {
  /** Of disk, of one log, before it is moved aside. */
  readonly bytes: number;
  /** Files of one log, the current one among them. */
  readonly files: number;
}

export const LOG_LIMITS: RotationLimits = { bytes: 10 * 1024 * 1024, files: 3 };

const BLOCK_BYTES = 512;
const CHUNK_BYTES = 256 * 1024;

/**
 * Bounds the logs (`*.log`) of some folders. Their writers hold the files open, so a log is copied
 * and emptied; what is written between the two is lost. kwokctl does not open its logs to append:
 * such a writer goes on at its old place and leaves a hole before it, which takes no disk and is
 * not copied.
 */
export async function rotateLogs(folders: readonly string[], limits: RotationLimits) {
  for (const folder of folders) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((it) => it.endsWith(".log"))) {
      await rotateLog(join(folder, name), limits);
    }
  }
}

async function rotateLog(log: string, { bytes, files }: RotationLimits): Promise<void> {
  const used = await stat(log).then(({ blocks }) => blocks * BLOCK_BYTES, () => 0); // prettier-ignore
  if (used <= bytes) {
    return;
  }
  try {
    for (let index = files - 2; index > 0; index -= 1) {
      await rename(numbered(log, index), numbered(log, index + 1)).catch(() => undefined);
    }
    await copyWithoutHole(log, numbered(log, 1));
  } finally {
    // On a full disk there is no copy, but there is room again.
    await truncate(log);
  }
}

function numbered(log: string, index: number): string {
  return `${log}.${String(index)}`;
}

async function copyWithoutHole(from: string, to: string): Promise<void> {
  const source = await open(from, "r");
  try {
    const target = await open(to, "w", 0o600);
    try {
      await copy(source, target);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function copy(source: FileHandle, target: FileHandle): Promise<void> {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  const hole = Buffer.alloc(CHUNK_BYTES);
  let inHole = true;
  for (;;) {
    const { bytesRead } = await source.read(buffer);
    if (bytesRead === 0) {
      return;
    }
    const chunk = buffer.subarray(0, bytesRead);
    if (inHole && chunk.equals(hole.subarray(0, bytesRead))) {
      continue;
    }
    const start = inHole ? chunk.findIndex((byte) => byte !== 0) : 0;
    inHole = false;
    await target.writeFile(chunk.subarray(start));
  }
}
