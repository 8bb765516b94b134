import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { digestOf } from "./canonical";
import { readArchive } from "./contents";
import { type Descriptor, MEDIA_TYPES } from "./oci";
import { isPublished, type PublishOptions, push, repositoryOf, withLayout } from "./publish";
import type { ImageRecipe } from "./recipe";
import { describeContents, SBOM_MEDIA_TYPE } from "./sbom";
import type { BuiltImage } from "./store";

export interface Attached {
  /** `registry/name@sha256:…` of the manifest that refers to the image. */
  readonly reference: string;
  /** False where it was there already. */
  readonly pushed: boolean;
  /** The tag that lists what refers to the image, where the registry has no API that does. */
  readonly fallbackTag?: string;
}

/**
 * Puts an image's SBOM beside it, as a manifest whose `subject` is the image (a referrer of the OCI
 * distribution specification 1.1): `oras discover`, `cosign` and ECR find it there. A registry without
 * the referrers API gets the fallback tag `sha256-<digest>` of the same specification.
 *
 * @throws ImageError with the registry's own words
 */
export async function attachSbom(
  recipe: ImageRecipe,
  image: BuiltImage,
  options: PublishOptions,
): Promise<Attached> {
  const contents = await readArchive(image.archive);
  const { text } = describeContents(recipe, contents);
  const sbom = blobOf(SBOM_MEDIA_TYPE, text);
  const manifest = blobOf(MEDIA_TYPES.manifest, artifactManifest(sbom, contents.manifest));
  const reference = `${repositoryOf(image.reference)}@${manifest.digest}`;
  if ((await isPublished(reference, options)) === true) return { reference, pushed: false };
  const said = await withLayout(async (layout) => {
    await writeLayout(layout, manifest, [sbom, EMPTY]);
    return push(layout, reference, options);
  });
  const fallbackTag = /updating fallback tag (\S+)/.exec(said)?.[1];
  return { reference, pushed: true, ...(fallbackTag !== undefined && { fallbackTag }) };
}

interface TextBlob extends Descriptor {
  readonly text: string;
}

function blobOf(mediaType: string, text: string): TextBlob {
  return { mediaType, digest: digestOf(text), size: Buffer.byteLength(text), text };
}

/** What an artifact has for a configuration. */
const EMPTY = blobOf("application/vnd.oci.empty.v1+json", "{}");

function artifactManifest(sbom: TextBlob, subject: Descriptor): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    artifactType: SBOM_MEDIA_TYPE,
    config: descriptorOf(EMPTY),
    layers: [
      { ...descriptorOf(sbom), annotations: { "org.opencontainers.image.title": "sbom.cdx.json" } },
    ],
    subject,
  });
}

function descriptorOf({ mediaType, digest, size }: TextBlob): Descriptor {
  return { mediaType, digest, size };
}

async function writeLayout(
  layout: string,
  manifest: TextBlob,
  blobs: readonly TextBlob[],
): Promise<void> {
  const folder = path.join(layout, "blobs", "sha256");
  await mkdir(folder, { recursive: true });
  for (const { digest, text } of [manifest, ...blobs]) {
    await writeFile(path.join(folder, digest.slice("sha256:".length)), text);
  }
  const manifests = [descriptorOf(manifest)];
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests };
  await writeFile(path.join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(path.join(layout, "index.json"), JSON.stringify(index));
}
