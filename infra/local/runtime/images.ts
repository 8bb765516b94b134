import { setTimeout as sleep } from "node:timers/promises";

import type { ImageRecipe } from "../../images/recipe";
import type { BuiltImage } from "../../images/store";
import { corednsRecipe, pauseRecipe } from "../../images/system";
import type { Tools } from "./control-plane";
import type { ClusterPaths } from "./paths";
import { run } from "./process";

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

/** Brings an image into the node's containerd, under its reference by digest. */
export async function importImage(
  paths: ClusterPaths,
  tools: Tools,
  image: BuiltImage,
  signal?: AbortSignal,
): Promise<void> {
  const repository = image.reference.slice(0, image.reference.indexOf("@"));
  const args = ["images", "import", "--digests", "--base-name", repository, image.archive];
  await ctr(`importing the image ${repository}`, paths, tools, args, signal);
}

/** Whether the node holds the image with the given reference. */
export async function hasImage(
  paths: ClusterPaths,
  tools: Tools,
  reference: string,
): Promise<boolean> {
  const names = await ctr("listing images", paths, tools, ["images", "list", "--quiet"]);
  return names.split("\n").includes(reference);
}

/** Until containerd answers on its socket. */
export async function waitForContainerd(
  paths: ClusterPaths,
  tools: Tools,
  signal?: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await ctr("waiting for containerd", paths, tools, ["version"], signal);
      return;
    } catch (error) {
      if (Date.now() > deadline) {
        throw error;
      }
      await sleep(100, undefined, { signal });
    }
  }
}

function ctr(
  what: string,
  paths: ClusterPaths,
  tools: Tools,
  args: string[],
  signal?: AbortSignal,
): Promise<string> {
  const common = ["--address", paths.containerdSocket, "--namespace", "k8s.io"];
  return run(what, { file: tools.ctr ?? "ctr", args: [...common, ...args] }, signal);
}
