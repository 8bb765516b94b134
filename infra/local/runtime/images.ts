import type { ToolName } from "../../../toolchain/release";
import type { BuildOptions } from "../../images/build";
import type { ImageRecipe } from "../../images/recipe";
import type { BuiltImage } from "../../images/store";
import { addOnRecipes, corednsRecipe, pauseRecipe } from "../../images/system";
import type { Tools } from "./control-plane";
import { REGISTRY_HOST } from "./registry";

export interface ImageContext {
  /** Obtains what an image is made of where its registry does not answer. */
  readonly resolveTools: (names: readonly ToolName[]) => Promise<Tools>;
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
  // Loaded when an image is built: a preview only asks which are there.
  const { buildImage } = await import("../../images/build.js");
  return buildImage(recipe, options(tools, context));
}

function options(tools: Tools, context: ImageContext): BuildOptions {
  const { projectRoot, cacheDirectory, resolveTools, signal, onProgress } = context;
  const crane = tools.crane;
  return {
    registry: REGISTRY_HOST,
    cacheDirectory,
    root: projectRoot,
    tool: async (name) => (await resolveTools([name]))[name] ?? name,
    ...(crane === undefined ? {} : { crane }),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
}

/** The images of the cluster's own pods. */
export function systemRecipes(tools: Tools) {
  return {
    pause: pauseRecipe(),
    coredns: corednsRecipe({ binary: tools.coredns ?? "" }),
  } satisfies Record<string, ImageRecipe>;
}

export type SystemImages = Record<keyof ReturnType<typeof systemRecipes>, BuiltImage>;

export async function buildSystemImages(
  tools: Tools,
  context: ImageContext,
): Promise<SystemImages> {
  const recipes = systemRecipes(tools);
  const pause = await build(recipes.pause, tools, context);
  const coredns = await build(recipes.coredns, tools, context);
  return { pause, coredns };
}

/**
 * The image that makes volumes, where the cache has it: pods wait for their volumes, so that it had better
 * be on the node before the add-on is.
 */
export async function findStorageImage(
  tools: Tools,
  context: ImageContext,
): Promise<BuiltImage | undefined> {
  const { findBuilt } = await import("../../images/build.js");
  return findBuilt(addOnRecipes.storage(), options(tools, context));
}
