import { type Pushed, publishImage, tagImage } from "../../infra/images/publish";
import type { ImageRecipe } from "../../infra/images/recipe";
import type { BuiltImage } from "../../infra/images/store";
import { ToolError } from "../errors";

/** What a push did, as `npm run images` tells it. */
export interface PushReport {
  /** `registry/name@sha256:…`. */
  readonly reference: string;
  readonly tags: readonly string[];
  /** Layers and configuration. */
  readonly blobs: Pushed["blobs"];
  readonly sbom: {
    readonly reference: string;
    readonly pushed: boolean;
    /** Where the registry has no referrers API. */
    readonly fallbackTag?: string;
  };
}

/** @throws ToolError for what is no registry */
export function registryArgument(text: string): string {
  const registry = text.replace(/\/+$/, "");
  if (/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)*$/i.test(registry)) return registry;
  throw new ToolError({
    what: `--push ${text} is no registry`,
    why: "a registry is a host with an optional port and path, without a scheme or a tag",
    fix: "for example --push ghcr.io/me, or --push 127.0.0.1:5000",
  });
}

/** @throws ImageError with the registry's own words */
export async function pushWithSbom(
  recipe: ImageRecipe,
  built: BuiltImage,
  push: {
    readonly registry: string;
    readonly tags: readonly string[];
    readonly crane: string;
    readonly signal: AbortSignal;
  },
): Promise<PushReport> {
  const { registry, tags, crane, signal } = push;
  const options = { crane: { file: crane, args: [] }, signal };
  const reference = `${registry}/${recipe.name}@${built.digest}`;
  const image = { ...built, reference };
  const { tag, blobs } = await publishImage(image, options);
  for (const more of tags) await tagImage(reference, more, options);
  // Loaded when it is used: every other command would wait for the library behind it.
  const { attachSbom } = await import("../../infra/images/attach.js");
  const sbom = await attachSbom(recipe, image, options);
  return { reference, tags: [tag, ...tags], blobs, sbom };
}
