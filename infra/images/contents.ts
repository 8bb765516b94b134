import { readFile } from "node:fs/promises";

import { blobPath, type Descriptor, type HistoryEntry, type RuntimeConfig } from "./oci";
import { readTar, type TarEntry } from "./tar";

/** An image as its archive has it. */
export interface ImageContents {
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  /** `amd64` or `arm64`. */
  readonly architecture: string;
  readonly runtime: RuntimeConfig;
  /** From the bottom up. */
  readonly layers: readonly Layer[];
}

export interface Layer extends Descriptor {
  /** What made it, by the image's history. */
  readonly name: string;
  readonly entries: readonly TarEntry[];
}

interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

interface Config {
  readonly architecture: string;
  readonly config?: RuntimeConfig;
  readonly history?: readonly HistoryEntry[];
}

/** Reads an OCI archive with one image, layers included. */
export async function readArchive(file: string): Promise<ImageContents> {
  const members = await readTar(await readFile(file));
  const data = (path: string): Buffer => {
    const found = members.find((member) => member.path === path);
    if (found?.kind !== "file") throw new Error(`${file} has no ${path}`);
    return found.data;
  };
  const blob = ({ digest }: Descriptor) => data(blobPath(digest));
  const json = (bytes: Buffer): unknown => JSON.parse(bytes.toString("utf8"));

  const index = json(data("index.json")) as { manifests: [Descriptor] };
  const { mediaType, digest, size } = index.manifests[0];
  const manifest = { mediaType, digest, size };
  const { config, layers } = json(blob(manifest)) as Manifest;
  const { architecture, config: runtime = {}, history = [] } = json(blob(config)) as Config;
  const names = history.filter(({ empty_layer: empty }) => empty !== true);
  return {
    manifest,
    config,
    architecture,
    runtime,
    layers: await Promise.all(
      layers.map(async (layer, position) => ({
        ...layer,
        name: layerName(names[position]),
        entries: await readTar(blob(layer)),
      })),
    ),
  };
}

function layerName(entry: HistoryEntry | undefined): string {
  return (entry?.created_by ?? "not named").replace(/^drydock: /, "").replace(/\s+/g, " ");
}

/** The files that a container sees, by path: what a layer holds or removes goes before those below. */
export function rootFilesystem(layers: readonly Layer[]): ReadonlyMap<string, TarEntry> {
  const files = new Map<string, TarEntry>();
  for (const { entries } of layers) {
    for (const entry of entries) {
      const [, folder = "", name = ""] = /^(.*?)([^/]*)$/.exec(entry.path) ?? [];
      if (!name.startsWith(WHITEOUT)) continue;
      remove(files, name === OPAQUE ? folder : `${folder}${name.slice(WHITEOUT.length)}`);
    }
    for (const entry of entries) {
      if (!isWhiteout(entry)) files.set(entry.path, entry);
    }
  }
  return files;
}

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

function isWhiteout({ path }: TarEntry): boolean {
  return (path.split("/").at(-1) ?? "").startsWith(WHITEOUT);
}

function remove(files: Map<string, TarEntry>, path: string): void {
  const below = path.endsWith("/") || path === "" ? path : `${path}/`;
  for (const file of files.keys()) if (file === path || file.startsWith(below)) files.delete(file);
}
