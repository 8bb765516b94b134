import * as fs from "node:fs";
import * as path from "node:path";

import { root } from "./recording/stack-file";
import type { Rendering } from "./render";

/** Where renderings are kept; nothing but `npm run render` writes there. */
export const expectedFolder = path.join(root, "expected");

/** The committed rendering of a stack, line ends as they were written; empty where there is none. */
export function readRendering(stack: string, folder = expectedFolder): Rendering {
  const base = path.join(folder, stack);
  if (!fs.existsSync(base)) return new Map();
  const files = fs
    .readdirSync(base, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.join(entry.parentPath, entry.name));
  return new Map(
    files.map((file) => [
      path.relative(base, file).split(path.sep).join("/"),
      fs.readFileSync(file, "utf8").replaceAll("\r\n", "\n"),
    ]),
  );
}

/** Makes the folder of a stack hold this rendering and nothing else; what is right is not written. */
export function writeRendering(stack: string, rendering: Rendering, folder = expectedFolder): void {
  const base = path.join(folder, stack);
  const present = readRendering(stack, folder);
  for (const name of present.keys()) if (!rendering.has(name)) fs.rmSync(path.join(base, name));
  for (const [name, text] of rendering) {
    if (present.get(name) === text) continue;
    const file = path.join(base, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }
  removeEmpty(base);
}

/** Folders of stacks that have no stack file. */
export function strayRenderings(stacks: readonly string[], folder = expectedFolder): string[] {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !stacks.includes(entry.name))
    .map(({ name }) => name);
}

/** @returns whether the folder is gone */
function removeEmpty(folder: string): boolean {
  if (!fs.existsSync(folder)) return true;
  const kept = fs
    .readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() || !removeEmpty(path.join(folder, entry.name)));
  if (kept.length > 0) return false;
  fs.rmdirSync(folder);
  return true;
}
