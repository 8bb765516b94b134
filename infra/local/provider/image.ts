import { createHash } from "node:crypto";

import type { PluginHost } from "../../../toolchain/plugin/host";
import { PluginError, type PropertyMap, text } from "../../../toolchain/plugin/serve";
import { hashRecipeInputs } from "../../images/hash";
import { imageResource, type Published } from "../../images/provider";
import type { ImageRecipe } from "../../images/recipe";
import { hasKindImage, loadKindImage } from "../kind/lifecycle";
import { type KindRecord, readKindRecord } from "../kind/record";
import { pullAhead } from "../runtime/containerd";
import { build } from "../runtime/images";
import { clusterPaths, type ClusterPaths } from "../runtime/paths";
import { IMAGE_TOOLS, NODE_IMAGE_TOOLS } from "../runtime/plan";
import { readRecord } from "../runtime/record";
import { holdsImage, pushImage, REGISTRY_HOST } from "../runtime/registry";
import type { ClusterRecord } from "../runtime/spec";
import { explained } from "./context";

/**
 * The resource `drydock:local:Image`: an image built from a recipe and brought where a cluster's node
 * takes it from: the cluster's own registry, or the node itself where kind made it. Inputs:
 * `clusterName`, `recipe` (JSON text), `sourceHash` (hash over the files it names).
 */
export const localImageResource = imageResource({
  updating: [],
  replacing: ["clusterName"],

  id({ name }, inputs) {
    const cluster = createHash("sha256").update(text(inputs.clusterName)).digest("hex");
    return `${name}-${cluster.slice(0, 8)}`;
  },

  publish: (recipe, inputs, host) =>
    explained(async () => {
      const { paths, kind, record } = clusterOf(inputs, host);
      if (kind !== undefined) return publishToKind(kind, recipe, host);
      if (record === undefined) {
        throw new PluginError(
          `there is no cluster ${text(inputs.clusterName)} to bring the image to`,
        );
      }
      return record.realNode
        ? publishToRegistry(record, paths, recipe, host)
        : publishNowhere(recipe, host);
    }),

  async isLost(reference, inputs, host) {
    const { paths, kind, record } = clusterOf(inputs, host);
    if (kind !== undefined) {
      // A node that is down says nothing: the update that revives it asks again.
      return !(await hasKindImage(kind, reference).catch(() => true));
    }
    if (record?.realNode !== true) return false;
    return !holdsImage(paths, reference);
  },
});

function clusterOf(inputs: PropertyMap, { projectRoot }: PluginHost) {
  const paths = clusterPaths(projectRoot, text(inputs.clusterName));
  return { paths, kind: readKindRecord(paths), record: readRecord(paths) };
}

async function publishToRegistry(
  record: ClusterRecord,
  paths: ClusterPaths,
  recipe: ImageRecipe,
  host: PluginHost,
): Promise<Published> {
  const tools = await host.resolveTools(NODE_IMAGE_TOOLS);
  const image = await build(recipe, tools, host);
  host.onProgress(`pushing ${recipe.name} to the cluster's registry`);
  await pushImage(record, paths, tools, image, host.signal);
  host.onProgress(`pulling ${recipe.name} to the node`);
  await pullAhead(paths, tools, image.reference, host);
  return image;
}

async function publishToKind(
  record: KindRecord,
  recipe: ImageRecipe,
  host: PluginHost,
): Promise<Published> {
  const image = await build(recipe, await host.resolveTools(IMAGE_TOOLS), host);
  if (!(await hasKindImage(record, image.reference))) {
    host.onProgress(`loading ${recipe.name} into the node`);
    await loadKindImage(record, image, host);
  }
  return image;
}

/** Simulated nodes pull nothing: the name alone must be right. */
function publishNowhere(recipe: ImageRecipe, { projectRoot }: PluginHost): Promise<Published> {
  const digest = hashRecipeInputs(recipe, projectRoot);
  const reference = `${REGISTRY_HOST}/${recipe.name}@sha256:${digest}`;
  return Promise.resolve({ reference, baseName: "simulated" });
}
