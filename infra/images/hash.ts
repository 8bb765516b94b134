import { canonicalJson, digestOf } from "./canonical";
import { readEntries } from "./layer";
import type { ImageRecipe, LayerEntry } from "./recipe";
import type { TarEntry } from "./tar";

/** Raised when the same recipe starts to give another image, so that older cache entries are not used. */
export const BUILDER_VERSION = 2;

/**
 * Hash over all that a recipe brings into its image: base reference, configuration, and path, mode
 * and content of each file. It does not depend on where the checkout lies, on file times or on the
 * machine, and reads only the recipe's own files: no network, no tool.
 *
 * @param root the project's directory
 * @returns 64 hexadecimal digits
 * @throws ImageError for a missing file
 */
export function hashRecipeInputs(recipe: ImageRecipe, root: string = process.cwd()): string {
  const layers = recipe.layers.map(({ name, entries }) => ({
    name,
    entries: summarize(entries, root),
  }));
  const base =
    recipe.base.kind === "scratch"
      ? recipe.base
      : {
          ...recipe.base,
          fallback: {
            ...recipe.base.fallback,
            files: summarize(recipe.base.fallback.files, root),
          },
        };
  const inputs = { builder: BUILDER_VERSION, ...recipe, base, layers };
  return digestOf(canonicalJson(inputs)).slice("sha256:".length);
}

function summarize(entries: readonly LayerEntry[], root: string) {
  return readEntries(entries, root).map(summary);
}

function summary(entry: TarEntry) {
  if (entry.kind !== "file") return entry;
  return { path: entry.path, mode: entry.mode, digest: digestOf(entry.data) };
}
