import type { PluginHost } from "../../toolchain/plugin/host";
import { text } from "../../toolchain/plugin/serve";
import { ImageError } from "./errors";
import { imageResource } from "./provider";
import { isPublished, type PublishOptions, publishImage } from "./publish";

/**
 * The resource `drydock:images:Published`: an image built from a recipe and pushed to a registry, with
 * its SBOM. Inputs:
 * `registry`, `recipe` (JSON text), `sourceHash` (hash over the files it names). Its id is the repository.
 */
export const publishedResource = imageResource({
  updating: ["registry"],
  replacing: [],

  id: ({ name }, { registry }) => `${text(registry)}/${name}`,

  async publish(recipe, { registry }, host) {
    const { projectRoot, cacheDirectory, signal, onProgress } = host;
    const options = await publishOptions(host);
    // Loaded when an image is built: a preview only asks which are there.
    const { buildImage } = await import("./build.js");
    const built = await buildImage(recipe, {
      registry: text(registry),
      root: projectRoot,
      cacheDirectory,
      crane: options.crane.file,
      signal,
      onProgress,
    });
    if ((await isPublished(built.reference, options)) !== true) {
      onProgress(`pushing ${text(registry)}/${recipe.name}`);
      await publishImage(built, options);
    }
    try {
      const { attachSbom } = await import("./attach.js");
      await attachSbom(recipe, built, options);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      // An old registry may take images only, and these run without it.
      host.onNotice(`The SBOM of ${recipe.name} is not beside it: ${error.problem.why}`);
    }
    return built;
  },

  isLost: async (reference, _inputs, host) =>
    (await isPublished(reference, await publishOptions(host))) === false,
});

async function publishOptions(host: PluginHost): Promise<PublishOptions> {
  const { crane = "crane" } = await host.resolveTools(["crane"]);
  return { crane: { file: crane, args: [] }, signal: host.signal };
}
