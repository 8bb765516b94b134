import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

import { ToolError } from "./errors";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The project's folder: the nearest one above this file whose package.json is named `drydock`.
 * The same code runs from toolchain/ and from a bundle in dist/, so no fixed number of `..` fits.
 */
export function projectRoot(from: string = __dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, "utf8")) as { name?: unknown };
      if (name === "drydock") return folder;
    }
    if (dirname(folder) === folder) {
      throw new ToolError({ what: "the project's folder was not found", where: `above ${from}` });
    }
  }
}

/** `$XDG_CACHE_HOME/drydock`, by default `~/.cache/drydock`. A relative value is ignored, as the XDG rules ask. */
export function defaultCacheDirectory(env: Environment = process.env): string {
  const configured = env.XDG_CACHE_HOME ?? "";
  const base = isAbsolute(configured) ? configured : join(env.HOME ?? homedir(), ".cache");
  return join(base, "drydock");
}
