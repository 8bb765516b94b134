import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { type BuildOptions, buildImage } from "./build";
import { readArchive } from "./contents";
import { ImageError } from "./errors";
import type { ImageRecipe } from "./recipe";
import { type BuiltImage, imageCache } from "./store";

/**
 * Builds an image once more from nothing but its sources and, where its base is made of them, the
 * downloaded packages.
 *
 * @throws ImageError where that gives another image, with the layers that differ
 */
export async function verifyImage(
  recipe: ImageRecipe,
  image: BuiltImage,
  options: BuildOptions,
): Promise<void> {
  const cacheDirectory = await mkdtemp(path.join(tmpdir(), "drydock-verify-"));
  try {
    const [debs, fresh] = [options.cacheDirectory, cacheDirectory].map((one) =>
      imageCache(one).path("debs"),
    ) as [string, string];
    await Promise.all([mkdir(debs, { recursive: true }), mkdir(path.dirname(fresh))]);
    await symlink(debs, fresh);
    const again = await buildImage(recipe, { ...options, cacheDirectory });
    if (again.digest !== image.digest) throw await difference(recipe, image, again);
  } finally {
    await rm(cacheDirectory, { recursive: true, force: true });
  }
}

async function difference(
  recipe: ImageRecipe,
  image: BuiltImage,
  again: BuiltImage,
): Promise<ImageError> {
  const [first, second] = await Promise.all([image, again].map((one) => readArchive(one.archive)));
  const digests = new Set(first?.layers.map(({ digest }) => digest));
  const changed = second?.layers.filter(({ digest }) => !digests.has(digest)) ?? [];
  const layers = changed.map(({ name }) => name).join(", ");
  const labels = (one: typeof first) => JSON.stringify(one?.runtime.Labels);
  const base =
    labels(first) === labels(second) ? "" : "; its labels differ too: it has another base";
  return new ImageError({
    what: "An image is another one when it is built again.",
    where: recipe.name,
    why: `${again.digest} in place of ${image.digest}: ${layers === "" ? "its configuration differs" : `these layers differ: ${layers}`}${base}`,
    fix: "where packages have newer versions by now, remove the folder images of the tool cache and build anew; else something in the recipe depends on the machine or the time",
  });
}
