import { createHash } from "node:crypto";

import {
  type CheckRequest,
  type CheckResult,
  type Context,
  type CreateRequest,
  type CreateResult,
  type DiffRequest,
  type DiffResult,
  PluginError,
  type PropertyMap,
  type ReadRequest,
  type ReadResult,
  UNKNOWN,
  type UpdateRequest,
  type UpdateResult,
} from "../../../toolchain/plugin/serve";
import { hashRecipeInputs } from "../../images/hash";
import type { ImageRecipe } from "../../images/recipe";
import { hasKindImage, loadKindImage } from "../kind/lifecycle";
import { type KindRecord, readKindRecord } from "../kind/record";
import { build, hasImage, importImage } from "../runtime/images";
import type { RuntimeContext } from "../runtime/lifecycle";
import { clusterPaths } from "../runtime/paths";
import { IMAGE_TOOLS } from "../runtime/plan";
import { readRecord, readTools } from "../runtime/record";
import { explained, runtimeContext } from "./context";
import { text } from "./inputs";

/**
 * The resource `drydock:local:Image`: an image built from a recipe and brought into a cluster's
 * node. Inputs: `clusterName`, `recipe` (JSON text), `sourceHash` (hash over the files it names).
 */
export const imageResource = {
  check({ news }: CheckRequest): Promise<CheckResult> {
    return Promise.resolve({ inputs: news, failures: [] });
  },

  /** A node that no longer holds the image (it was revived with an empty disk) gets it again. */
  async diff(
    { oldInputs, oldOutputs, news, urn }: DiffRequest,
    context: Context,
  ): Promise<DiffResult> {
    const changed = ["recipe", "sourceHash"].filter((key) => oldInputs[key] !== news[key]);
    const replaced = oldInputs.clusterName !== news.clusterName;
    const lost = !replaced && !(await isPresent(news, oldOutputs, runtimeContext(urn, context)));
    return {
      changes: changed.length > 0 || replaced || lost ? "some" : "none",
      detailedDiff: {
        ...Object.fromEntries(changed.map((key) => [key, { kind: "update", inputDiff: true }])),
        ...(replaced ? { clusterName: { kind: "update-replace", inputDiff: true } } : {}),
        ...(lost ? { reference: { kind: "update" } } : {}),
      },
    };
  },

  async create({ inputs, urn, preview }: CreateRequest, context: Context): Promise<CreateResult> {
    if (preview) {
      return { id: "", outputs: { ...inputs, reference: UNKNOWN, base: UNKNOWN } };
    }
    const outputs = await publish(inputs, urn, context);
    return { id: imageId(inputs), outputs };
  },

  async update({ news, urn, preview }: UpdateRequest, context: Context): Promise<UpdateResult> {
    return {
      outputs: preview
        ? { ...news, reference: UNKNOWN, base: UNKNOWN }
        : await publish(news, urn, context),
    };
  },

  read({ id, inputs, outputs }: ReadRequest): Promise<ReadResult | undefined> {
    return Promise.resolve({ id, inputs, outputs });
  },

  /** The node keeps the image until its cluster goes: a pod may still be running it. */
  delete(): Promise<void> {
    return Promise.resolve();
  },
};

async function publish(inputs: PropertyMap, urn: string, context: Context): Promise<PropertyMap> {
  return explained(async () => {
    const runtime = runtimeContext(urn, context);
    const paths = clusterPaths(runtime.projectRoot, text(inputs.clusterName));
    const recipe = JSON.parse(text(inputs.recipe)) as ImageRecipe;
    const kind = readKindRecord(paths);
    if (kind !== undefined) {
      return { ...inputs, ...(await publishToKind(kind, recipe, runtime)) };
    }
    const record = readRecord(paths);
    if (record === undefined) {
      throw new PluginError(
        `there is no cluster ${text(inputs.clusterName)} to bring the image to`,
      );
    }
    if (!record.realNode) {
      // Simulated nodes pull nothing: the name alone must be right.
      const digest = hashRecipeInputs(recipe, runtime.projectRoot);
      return {
        ...inputs,
        reference: `localhost/${recipe.name}@sha256:${digest}`,
        base: "simulated",
      };
    }
    const tools = await runtime.resolveTools(IMAGE_TOOLS);
    const image = await build(recipe, tools, runtime);
    if (!(await hasImage(paths, tools, image.reference))) {
      runtime.onProgress(`importing ${recipe.name} into the node`);
      await importImage(paths, tools, image, context.signal);
    }
    return { ...inputs, reference: image.reference, base: image.baseName };
  });
}

async function publishToKind(
  record: KindRecord,
  recipe: ImageRecipe,
  runtime: RuntimeContext,
): Promise<PropertyMap> {
  const image = await build(recipe, await runtime.resolveTools(["crane"]), runtime);
  if (!(await hasKindImage(record, image.reference))) {
    runtime.onProgress(`loading ${recipe.name} into the node`);
    await loadKindImage(record, image, runtime);
  }
  return { reference: image.reference, base: image.baseName };
}

async function isPresent(
  inputs: PropertyMap,
  outputs: PropertyMap,
  runtime: ReturnType<typeof runtimeContext>,
): Promise<boolean> {
  const paths = clusterPaths(runtime.projectRoot, text(inputs.clusterName));
  const kind = readKindRecord(paths);
  const record = readRecord(paths);
  if (kind === undefined && record?.realNode !== true) {
    return true;
  }
  try {
    if (kind !== undefined) {
      return await hasKindImage(kind, text(outputs.reference));
    }
    return await hasImage(paths, readTools(paths), text(outputs.reference));
  } catch {
    // The node is down: its images lie on disk, and the update that revives it asks again.
    return true;
  }
}

function imageId(inputs: PropertyMap): string {
  const { name } = JSON.parse(text(inputs.recipe)) as ImageRecipe;
  const cluster = createHash("sha256").update(text(inputs.clusterName)).digest("hex");
  return `${name}-${cluster.slice(0, 8)}`;
}
