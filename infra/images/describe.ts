import { type Layer, readArchive } from "./contents";
import type { ImageRecipe } from "./recipe";
import { describeContents, type Sbom } from "./sbom";
import type { BuiltImage } from "./store";

/** What there is to know of an image, from its archive. */
export interface ImageDescription {
  /** Repository without a registry. */
  readonly name: string;
  /** `registry/name@sha256:…`. */
  readonly reference: string;
  readonly digest: string;
  /** The OCI archive, and its bytes. */
  readonly archive: string;
  readonly size: number;
  readonly base: {
    /** `debian`: assembled on this machine, since the recipe's registry did not give the image. */
    readonly origin: BuiltImage["base"];
    readonly name: string;
    readonly digest?: string;
  };
  /** From the bottom up. */
  readonly layers: readonly LayerDescription[];
  readonly labels: Readonly<Record<string, string>>;
  readonly sbom: Sbom;
}

export interface LayerDescription {
  readonly name: string;
  readonly digest: string;
  /** Bytes, as they are pushed. */
  readonly size: number;
  readonly files: number;
  /** The largest files, by path. */
  readonly largest: readonly { readonly path: string; readonly size: number }[];
  /** Whether it is the base's or the recipe's own. */
  readonly from: "base" | "recipe";
}

const SHOWN_FILES = 3;

export async function describeImage(
  recipe: ImageRecipe,
  image: BuiltImage,
): Promise<ImageDescription> {
  const contents = await readArchive(image.archive);
  const { runtime, layers } = contents;
  const own = layers.length - recipe.layers.length;
  const labels = runtime.Labels ?? {};
  const baseDigest = labels["org.opencontainers.image.base.digest"];
  const { reference, digest, archive, size } = image;
  return {
    ...{ name: recipe.name, reference, digest, archive, size },
    base: {
      origin: image.base,
      name: image.baseName,
      ...(baseDigest !== undefined && { digest: baseDigest }),
    },
    layers: layers.map((layer, index) => describeLayer(layer, index < own ? "base" : "recipe")),
    labels,
    sbom: describeContents(recipe, contents),
  };
}

function describeLayer(layer: Layer, from: LayerDescription["from"]): LayerDescription {
  const { name, digest, size, entries } = layer;
  const files = entries.flatMap((entry) =>
    entry.kind === "file" ? [{ path: `/${entry.path}`, size: entry.data.length }] : [],
  );
  const largest = files.toSorted((a, b) => b.size - a.size).slice(0, SHOWN_FILES);
  return { name, digest, size, files: files.length, largest, from };
}
