import { copyFile, readdir, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";

import { ToolError } from "../errors";
import type { BackendFiles } from "./backend";
import { say } from "./context";

/**
 * Puts the newest readable copy of the stack's state in the place of one that cannot be read, and keeps
 * the broken one beside it. Does nothing where there is no state: `pulumi stack rm` leaves copies too.
 * @returns whether something was restored
 * @throws ToolError when no copy can be read
 */
export async function restoreCheckpoint(files: BackendFiles): Promise<boolean> {
  const { checkpoint } = files;
  const text = await readFile(checkpoint, "utf8").catch(() => undefined);
  if (text === undefined || isWhole(text)) return false;
  const copy = await newestCopy(files);
  if (copy === undefined) {
    throw new ToolError({
      what: "the stack's state cannot be read, and no copy of it is left",
      where: checkpoint,
      fix: "bring the file back from your own backup",
    });
  }
  const aside = `${checkpoint}.broken-${new Date().toISOString().replaceAll(":", "")}`;
  await rename(checkpoint, aside);
  // First under another name: a disk that is full must not leave half a file again.
  await copyFile(copy.path, `${checkpoint}.restored`);
  await rename(`${checkpoint}.restored`, checkpoint);
  say(`The stack's state could not be read: its copy of ${copy.time.toISOString()} is put back.
  copy:       ${copy.path}
  broken one: ${aside}`);
  return true;
}

/** A state that Pulumi can read: JSON with a checkpoint in it. Nothing is judged of what it says. */
function isWhole(text: string): boolean {
  try {
    const { checkpoint } = JSON.parse(text) as { checkpoint?: unknown };
    return typeof checkpoint === "object" && checkpoint !== null;
  } catch {
    return false;
  }
}

interface Copy {
  readonly path: string;
  readonly time: Date;
}

async function newestCopy({ checkpoint, backups }: BackendFiles): Promise<Copy | undefined> {
  const paths = [`${checkpoint}.bak`, ...(await Promise.all(backups.map(copiesIn))).flat()];
  const found = await Promise.all(
    paths.map(async (path): Promise<Copy[]> => {
      const { mtime } = await stat(path).catch(() => ({ mtime: undefined }));
      return mtime === undefined ? [] : [{ path, time: mtime }];
    }),
  );
  const newestFirst = found.flat().sort((a, b) => b.time.getTime() - a.time.getTime());
  for (const copy of newestFirst) {
    if (isWhole(await readFile(copy.path, "utf8"))) return copy;
  }
  return undefined;
}

/** Whole states in a folder: `<stack>.<time>.json` of the backups, `….checkpoint.json` of the history. */
async function copiesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => name.endsWith(".json") && !name.endsWith(".history.json"))
    .map((name) => join(folder, name));
}
