import { open, type FileHandle } from "node:fs/promises";

import { compare } from "./canonical";
import { blobPath, imageIndex, type Architecture, type Descriptor } from "./oci";
import { padding, TAR_END, tarHeader } from "./tar";

/** A blob in memory, or a file that holds it. */
export type Blob = Descriptor & ({ readonly data: Buffer } | { readonly file: string });

export interface ArchiveContent {
  readonly reference: string;
  readonly architecture: Architecture;
  readonly manifest: Descriptor;
  /** All that is reachable from the manifest, itself included. */
  readonly blobs: readonly Blob[];
}

/**
 * Writes an image as an OCI archive (a tar of an image layout), as `ctr images import` and
 * `skopeo copy oci-archive:` read it. Equal content gives equal bytes.
 */
export async function writeArchive(file: string, content: ArchiveContent): Promise<void> {
  const { reference, architecture, manifest, blobs } = content;
  const index = Buffer.from(imageIndex(manifest, reference, architecture));
  const handle = await open(file, "w");
  try {
    await writeMember(handle, "oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
    await writeMember(handle, "index.json", index);
    for (const blob of distinct(blobs)) {
      const path = blobPath(blob.digest);
      if ("data" in blob) await writeMember(handle, path, blob.data);
      else await copyMember(handle, path, blob.file, blob.size);
    }
    await handle.writeFile(TAR_END);
  } finally {
    await handle.close();
  }
}

function distinct(blobs: readonly Blob[]): Blob[] {
  const byDigest = new Map(blobs.map((blob) => [blob.digest, blob]));
  return [...byDigest.values()].sort((a, b) => compare(a.digest, b.digest));
}

async function writeMember(handle: FileHandle, path: string, data: Buffer): Promise<void> {
  await handle.writeFile(tarHeader({ kind: "file", path, mode: 0o644, size: data.length }));
  await handle.writeFile(data);
  await handle.writeFile(padding(data.length));
}

async function copyMember(handle: FileHandle, path: string, from: string, size: number) {
  await handle.writeFile(tarHeader({ kind: "file", path, mode: 0o644, size }));
  const source = await open(from);
  try {
    const chunks: AsyncIterable<Buffer> = source.createReadStream({ autoClose: false });
    for await (const chunk of chunks) await handle.writeFile(chunk);
  } finally {
    await source.close();
  }
  await handle.writeFile(padding(size));
}
