import { randomUUID } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { linkOrCopy } from "../../images/unpack";

/**
 * Puts a layer where the registry of the cluster keeps its own, as CNCF Distribution lays them out
 * (registry/storage/paths.go): a push that asks for it finds it there. A hard link where the file
 * system has both, so that neither a copy nor a checksum of it is made; containerd checks what it pulls.
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
  const [algorithm = "", hex = ""] = digest.split(":");
  const root = join(folder, "docker", "registry", "v2");
  const data = join(root, "blobs", algorithm, hex.slice(0, 2), hex, "data");
  const member = join(root, "repositories", repository, "_layers", algorithm, hex, "link");
  // First the bytes: what a repository names must be there.
  await place(data, (draft) => linkOrCopy(file, draft));
  await place(member, (draft) => writeFile(draft, digest));
}

/** Whole or not at all. */
async function place(target: string, make: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${target}.${randomUUID()}`;
  await mkdir(dirname(target), { recursive: true });
  await make(draft);
  await rename(draft, target);
}
