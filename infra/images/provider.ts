import { ToolError } from "../../toolchain/errors";
import { type PluginHost, pluginHost } from "../../toolchain/plugin/host";
import {
  PluginError,
  type PropertyDiff,
  type PropertyMap,
  type ProviderPlugin,
  text,
  UNKNOWN,
} from "../../toolchain/plugin/serve";
import { ImageError } from "./errors";
import type { ImageRecipe } from "./recipe";

/** What differs between the image resources: where an image goes. */
export interface Destination {
  /** Inputs beside `recipe` and `sourceHash` (of the files it names) whose change builds it anew. */
  readonly updating: readonly string[];
  /** Inputs whose change makes it another resource. */
  readonly replacing: readonly string[];
  id(recipe: ImageRecipe, inputs: PropertyMap): string;
  /** Builds the image and brings it there. */
  publish(recipe: ImageRecipe, inputs: PropertyMap, host: PluginHost): Promise<Published>;
  /** Whether it is known not to be there any more; not to know is no reason to do anything. */
  isLost(reference: string, inputs: PropertyMap, host: PluginHost): Promise<boolean>;
}

export interface Published {
  /** `registry/name@sha256:…`. */
  readonly reference: string;
  /** As in {@link BuiltImage.baseName}. */
  readonly baseName: string;
}

/**
 * A resource that is an image, built from a recipe (JSON text). What it was published to keeps it when
 * the resource goes: a pod, here or elsewhere, may still be pulling it.
 */
export function imageResource(destination: Destination): Omit<ProviderPlugin, "name" | "version"> {
  const { updating, replacing } = destination;
  const outputs = async (inputs: PropertyMap, host: PluginHost): Promise<PropertyMap> => {
    const image = await explained(() => destination.publish(recipeOf(inputs), inputs, host));
    return { ...inputs, reference: image.reference, base: image.baseName };
  };
  return {
    check: ({ news }) => Promise.resolve({ inputs: news, failures: [] }),

    diff: async ({ oldInputs, oldOutputs, news, urn }, context) => {
      const changed = (name: string) => oldInputs[name] !== news[name];
      const entries: [string, PropertyDiff][] = [
        ...["recipe", "sourceHash", ...updating]
          .filter(changed)
          .map((name): [string, PropertyDiff] => [name, { kind: "update", inputDiff: true }]),
        ...replacing
          .filter(changed)
          .map((name): [string, PropertyDiff] => [
            name,
            { kind: "update-replace", inputDiff: true },
          ]),
      ];
      const reference = text(oldOutputs.reference);
      const host = pluginHost(urn, context);
      if (entries.length === 0 && (await destination.isLost(reference, news, host))) {
        entries.push(["reference", { kind: "update" }]);
      }
      return {
        changes: entries.length > 0 ? "some" : "none",
        detailedDiff: Object.fromEntries(entries),
      };
    },

    create: async ({ inputs, urn, preview }, context) =>
      preview
        ? { id: "", outputs: unknown(inputs) }
        : {
            id: destination.id(recipeOf(inputs), inputs),
            outputs: await outputs(inputs, pluginHost(urn, context)),
          },

    update: async ({ news, urn, preview }, context) => ({
      outputs: preview ? unknown(news) : await outputs(news, pluginHost(urn, context)),
    }),

    read: ({ id, inputs, outputs: known }) => Promise.resolve({ id, inputs, outputs: known }),

    delete: () => Promise.resolve(),
  };
}

function unknown(inputs: PropertyMap): PropertyMap {
  return { ...inputs, reference: UNKNOWN, base: UNKNOWN };
}

function recipeOf(inputs: PropertyMap): ImageRecipe {
  return JSON.parse(text(inputs.recipe)) as ImageRecipe;
}

/** Expected failures reach the user as they are; anything else is a fault of the program. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ImageError) && !(error instanceof ToolError)) throw error;
    throw new PluginError(error.message, { cause: error });
  }
}
