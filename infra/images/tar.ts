import { Header, Parser, Pax, type ReadEntry } from "tar";

import { compare } from "./canonical";

/** One member of an archive, held in memory. Paths have no leading `./` or `/` and no trailing `/`. */
export type TarEntry =
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly data: Buffer }
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string };

const BLOCK = 512;
const EPOCH = new Date(0);

/**
 * A tar archive whose bytes depend on the entries alone: sorted by path, owned by root, dated to
 * the epoch. The order of `entries` doesn't matter; of two with the same path the later one wins.
 */
export function writeTar(entries: readonly TarEntry[]): Buffer {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  const sorted = [...byPath.values()].sort((a, b) => compare(a.path, b.path));
  const members = sorted.flatMap((entry) =>
    entry.kind === "file"
      ? [tarHeader(entry), entry.data, padding(entry.data.length)]
      : [tarHeader(entry)],
  );
  return Buffer.concat([...members, TAR_END]);
}

/** Two empty blocks end an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/** What fills a member of this many bytes up to a whole block. */
export function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

type HeaderOf =
  Exclude<TarEntry, { kind: "file" }> | { kind: "file"; path: string; mode: number; size: number };

/** The header of a member, preceded by an extended one where a name is too long for it. */
export function tarHeader(entry: TarEntry | HeaderOf): Buffer {
  const fields = {
    path: entry.kind === "directory" ? `${entry.path}/` : entry.path,
    mode: entry.kind === "symlink" ? 0o777 : entry.mode,
    uid: 0,
    gid: 0,
    uname: "root",
    gname: "root",
    mtime: EPOCH,
    ...contentFields(entry),
  };
  const header = new Header(fields);
  const needsExtension = header.encode();
  const block = header.block;
  if (block === undefined) throw new Error(`no tar header for ${entry.path}`);
  if (!needsExtension) return block;
  // Only names are too long here; times and owners would make the extension needlessly wide.
  const { path, linkpath } = { linkpath: undefined, ...fields };
  return Buffer.concat([new Pax({ path, ...(linkpath && { linkpath }) }).encode(), block]);
}

function contentFields(entry: TarEntry | HeaderOf) {
  switch (entry.kind) {
    case "file":
      return { type: "File", size: "data" in entry ? entry.data.length : entry.size } as const;
    case "directory":
      return { type: "Directory", size: 0 } as const;
    case "symlink":
      return { type: "SymbolicLink", linkpath: entry.target, size: 0 } as const;
  }
}

/** The files, directories and symbolic links of an archive; device nodes and the like are left out. */
export async function readTar(archive: Buffer): Promise<TarEntry[]> {
  const entries: Promise<TarEntry | undefined>[] = [];
  await new Promise<void>((resolve, reject) => {
    const parser = new Parser({ strict: true, onReadEntry: (entry) => entries.push(read(entry)) });
    parser.on("end", resolve);
    parser.on("error", reject);
    parser.end(archive);
  });
  return (await Promise.all(entries)).filter((entry) => entry !== undefined);
}

async function read(entry: ReadEntry): Promise<TarEntry | undefined> {
  const data = Buffer.concat(await entry.collect());
  const path = entry.path.replace(/^(\.?\/)+/, "").replace(/\/+$/, "");
  const mode = (entry.mode ?? 0o644) & 0o7777;
  if (path === "" || path === ".") return undefined;
  if (entry.type === "File" || entry.type === "OldFile") return { kind: "file", path, mode, data };
  if (entry.type === "Directory") return { kind: "directory", path, mode };
  if (entry.type === "SymbolicLink") return { kind: "symlink", path, target: entry.linkpath ?? "" };
  return undefined;
}
