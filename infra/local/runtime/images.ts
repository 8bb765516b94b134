import type { ImageRecipe } from "../../images/recipe";
import type { BuiltImage } from "../../images/store";
import { corednsRecipe, pauseRecipe } from "../../images/system";
import type { Tools } from "./control-plane";
import { REGISTRY_HOST } from "./registry";

export interface ImageContext {
  readonly projectRoot: string;
  readonly cacheDirectory: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (line: string) => void;
}

/** Builds an image, or takes it from the cache. */
export async function build(
  recipe: ImageRecipe,
  tools: Tools,
  context: ImageContext,
): Promise<BuiltImage> {
  const { projectRoot, cacheDirectory, signal, onProgress } = context;
  const crane = tools.crane;
  // Loaded when an image is built: a preview only asks which are there.
  const { buildImage } = await import("../../images/build.js");
  return buildImage(recipe, {
    registry: REGISTRY_HOST,
    cacheDirectory,
    root: projectRoot,
    ...(crane === undefined ? {} : { crane }),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
}

export interface SystemImages {
  readonly pause: BuiltImage;
  readonly coredns: BuiltImage;
}

export async function buildSystemImages(
  tools: Tools,
  context: ImageContext,
): Promise<SystemImages> {
  const pause = await build(pauseRecipe(), tools, context);
  const coredns = await build(corednsRecipe({ binary: tools.coredns ?? "" }), tools, context);
  return { pause, coredns };
}
