import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { linkOrCopy } from "../../images/unpack";

// The folder of the cluster's registry, as CNCF Distribution lays it out (registry/storage/paths.go).
const ROOT = join("docker", "registry", "v2");

/**
 * Puts a layer where the registry keeps its own: a push that asks for it finds it there. A hard link where
 * the file system has both, so that neither a copy nor a checksum of it is made; containerd checks what it
 * pulls.
 *
 * @param folder of the registry
 * @param repository without a registry host, such as `drydock/nginx`
 * @param file with the layer's bytes
 */
export async function placeLayer(
  folder: string,
  repository: string,
  digest: string,
  file: string,
): Promise<void> {
  // First the bytes: what a repository names must be there.
  await place(blob(folder, digest), (draft) => linkOrCopy(file, draft));
  await place(link(folder, repository, "_layers", digest), (draft) => writeFile(draft, digest));
}

/** Whether the registry answers for a manifest, seen without a question to it. */
export function hasManifest(folder: string, repository: string, digest: string): boolean {
  const revision = link(folder, repository, join("_manifests", "revisions"), digest);
  return isFilled(revision) && isFilled(blob(folder, digest));
}

/** A disk that was full or failed may leave an empty file, which the registry does not serve. */
function isFilled(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

function blob(folder: string, digest: string): string {
  const [algorithm = "", hex = ""] = digest.split(":");
  return join(folder, ROOT, "blobs", algorithm, hex.slice(0, 2), hex, "data");
}

/** The file by which a repository names a blob as one of its own. */
function link(folder: string, repository: string, kind: string, digest: string): string {
  return join(folder, ROOT, "repositories", repository, kind, ...digest.split(":"), "link");
}

/** Whole or not at all. */
async function place(target: string, make: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${target}.${randomUUID()}`;
  await mkdir(dirname(target), { recursive: true });
  await make(draft);
  await rename(draft, target);
}
