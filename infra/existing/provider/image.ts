import { ToolError } from "../../../toolchain/errors";
import { pluginHost } from "../../../toolchain/plugin/host";
import {
  type CheckRequest,
  type CheckResult,
  type Context,
  type CreateRequest,
  type CreateResult,
  type DiffRequest,
  type DiffResult,
  PluginError,
  type PropertyDiff,
  type PropertyMap,
  type PropertyValue,
  type ReadRequest,
  type ReadResult,
  UNKNOWN,
  type UpdateRequest,
  type UpdateResult,
} from "../../../toolchain/plugin/serve";
import { ImageError } from "../../images/errors";
import { isPublished, publishImage } from "../../images/publish";
import type { ImageRecipe } from "../../images/recipe";

const INPUTS = ["registry", "recipe", "sourceHash"];

/**
 * The resource `drydock:existing:Image`: an image built from a recipe and pushed to a registry. Inputs:
 * `registry`, `recipe` (JSON text), `sourceHash` (hash over the files it names). Its id is the repository.
 */
export const imageResource = {
  check({ news }: CheckRequest): Promise<CheckResult> {
    return Promise.resolve({ inputs: news, failures: [] });
  },

  /** An image that the registry no longer holds is pushed again. */
  async diff(
    { oldInputs, oldOutputs, news, urn }: DiffRequest,
    context: Context,
  ): Promise<DiffResult> {
    const detailedDiff: Record<string, PropertyDiff> = {};
    for (const key of INPUTS.filter((name) => oldInputs[name] !== news[name])) {
      detailedDiff[key] = { kind: "update", inputDiff: true };
    }
    const same = Object.keys(detailedDiff).length === 0;
    if (same && (await isLost(text(oldOutputs.reference), urn, context))) {
      detailedDiff.reference = { kind: "update" };
    }
    return { changes: Object.keys(detailedDiff).length > 0 ? "some" : "none", detailedDiff };
  },

  async create({ inputs, urn, preview }: CreateRequest, context: Context): Promise<CreateResult> {
    if (preview) return { id: "", outputs: unknownOutputs(inputs) };
    return { id: repositoryOf(inputs), outputs: await publish(inputs, urn, context) };
  },

  async update({ news, urn, preview }: UpdateRequest, context: Context): Promise<UpdateResult> {
    return { outputs: preview ? unknownOutputs(news) : await publish(news, urn, context) };
  },

  read({ id, inputs, outputs }: ReadRequest): Promise<ReadResult | undefined> {
    return Promise.resolve({ id, inputs, outputs });
  },

  /** The registry keeps the image: a pod, here or elsewhere, may still be pulling it. */
  delete(): Promise<void> {
    return Promise.resolve();
  },
};

async function publish(inputs: PropertyMap, urn: string, context: Context): Promise<PropertyMap> {
  const { projectRoot, cacheDirectory, signal, onProgress, ...host } = pluginHost(urn, context);
  try {
    const { crane = "crane" } = await host.resolveTools(["crane"]);
    // Loaded when an image is built: a preview only asks which are there.
    const { buildImage } = await import("../../images/build.js");
    const built = await buildImage(recipeOf(inputs), {
      registry: text(inputs.registry),
      root: projectRoot,
      cacheDirectory,
      crane,
      signal,
      onProgress,
    });
    if ((await isPublished(built.reference, { crane, signal })) !== true) {
      onProgress(`pushing ${repositoryOf(inputs)}`);
      await publishImage(built, { crane, signal });
    }
    return { ...inputs, reference: built.reference, base: built.baseName };
  } catch (error) {
    if (!(error instanceof ImageError) && !(error instanceof ToolError)) throw error;
    throw new PluginError(error.message, { cause: error });
  }
}

async function isLost(reference: string, urn: string, context: Context): Promise<boolean> {
  const { crane = "crane" } = await pluginHost(urn, context).resolveTools(["crane"]);
  return (await isPublished(reference, { crane, signal: context.signal })) === false;
}

function unknownOutputs(inputs: PropertyMap): PropertyMap {
  return { ...inputs, reference: UNKNOWN, base: UNKNOWN };
}

function repositoryOf(inputs: PropertyMap): string {
  return `${text(inputs.registry)}/${recipeOf(inputs).name}`;
}

function recipeOf(inputs: PropertyMap): ImageRecipe {
  return JSON.parse(text(inputs.recipe)) as ImageRecipe;
}

function text(value: PropertyValue | undefined): string {
  return typeof value === "string" ? value : "";
}
