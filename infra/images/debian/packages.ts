import { readFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";

import { compare } from "../canonical";
import { ImageError } from "../errors";
import type { DebianBase } from "../recipe";
import { readTar, type TarEntry } from "../tar";
import type { Candidate } from "./apt";
import { elfNeeds } from "./elf";

/** The files of one package, in the merged-/usr layout. */
export interface UnpackedPackage {
  readonly candidate: Candidate;
  readonly files: ReadonlyMap<string, TarEntry>;
}

/** What goes into the image. */
export interface Selection {
  /** Shared libraries and the loader. */
  readonly libraries: TarEntry[];
  /** The files that the recipe names. */
  readonly named: TarEntry[];
  /** Packages of which a file is taken, by name. */
  readonly packages: Candidate[];
}

/**
 * Unpacks a .deb. Debian 12 still ships `/bin` and `/lib` where Debian 13 ships `/usr/bin` and
 * `/usr/lib`; here all is `/usr`, and the image gets links (see {@link MERGED_USR}).
 */
export async function unpack(
  candidate: Candidate,
  deb: string,
  signal?: AbortSignal,
): Promise<UnpackedPackage> {
  const { stdout } = await execa("dpkg-deb", ["--fsys-tarfile", deb], {
    encoding: "buffer",
    stdin: "ignore",
    maxBuffer: 1024 ** 3,
    ...(signal && { cancelSignal: signal }),
  });
  const entries = await readTar(Buffer.from(stdout));
  const files = entries.map((entry) => ({ ...entry, path: mergeUsr(entry.path) }));
  return { candidate, files: new Map(files.map((file) => [file.path, file])) };
}

const MERGED = ["bin", "sbin", "lib", "lib64"];

/** The links that make `/lib64/ld-linux-x86-64.so.2`, which programs name as their loader, exist. */
export const MERGED_USR: readonly TarEntry[] = MERGED.map((name) => ({
  kind: "symlink",
  path: name,
  target: `usr/${name}`,
}));

function mergeUsr(file: string): string {
  return MERGED.some((name) => file.startsWith(`${name}/`)) ? `usr/${file}` : file;
}

/**
 * Takes the named files, each shared library they need (those it needs in turn included), and the
 * copyright file of each package that something is taken from.
 *
 * @throws ImageError if a package has no such file, or if no package has a library
 */
export function select(base: DebianBase, packages: readonly UnpackedPackage[]): Selection {
  const named = Object.entries(base.packages).flatMap(([name, wanted]) => {
    const source = packages.find(({ candidate }) => candidate.name === name);
    return wanted.map((file) =>
      file.endsWith("/")
        ? (filesBelow(file, source) ?? missing(name, file))
        : (follow(source?.files.get(file), packages) ?? missing(name, file)),
    );
  });
  const namedFiles = named.flat();
  const libraries = loadClosure(namedFiles, packages);
  const used = packages.filter(({ files }) =>
    [...namedFiles, ...libraries].some((entry) => files.get(entry.path) === entry),
  );
  const isNamed = ({ candidate }: UnpackedPackage) => candidate.name in base.packages;
  return {
    libraries: [...libraries, ...used.filter((one) => !isNamed(one)).flatMap(papers)],
    named: [...namedFiles, ...used.filter(isNamed).flatMap(papers)],
    packages: used.map(({ candidate }) => candidate).sort((a, b) => compare(a.name, b.name)),
  };
}

/** All that lies in a folder of a package; undefined where that is nothing. */
function filesBelow(folder: string, source: UnpackedPackage | undefined): TarEntry[] | undefined {
  const all = [...(source?.files.values() ?? [])];
  const found = all.filter(
    ({ path: file, kind }) => kind !== "directory" && file.startsWith(folder),
  );
  return found.length === 0 ? undefined : found;
}

/** The file itself, after the links that lead to it. */
function follow(
  entry: TarEntry | undefined,
  packages: readonly UnpackedPackage[],
): TarEntry[] | undefined {
  if (entry?.kind !== "symlink") return entry && [entry];
  const from = path.posix.join("/", path.posix.dirname(entry.path));
  const target = mergeUsr(path.posix.resolve(from, entry.target).slice(1));
  const rest = follow(
    find(packages, (file) => file === target),
    packages,
  );
  return rest && [entry, ...rest];
}

function loadClosure(roots: readonly TarEntry[], packages: readonly UnpackedPackage[]): TarEntry[] {
  const taken = new Map<string, TarEntry>();
  const pending = [...roots];
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    const needs = entry.kind === "file" ? elfNeeds(entry.data) : undefined;
    const loader = needs?.interpreter === undefined ? [] : [mergeUsr(needs.interpreter.slice(1))];
    for (const wanted of [...loader, ...(needs?.libraries ?? [])]) {
      const found = follow(find(packages, isLibrary(wanted)), packages);
      if (found === undefined) throw noLibrary(wanted, entry.path);
      const added = found.filter((one) => !taken.has(one.path));
      for (const one of added) taken.set(one.path, one);
      pending.push(...added);
    }
  }
  return [...taken.values()];
}

/** A library is named by its file name alone, the loader by its path. */
function isLibrary(wanted: string): (file: string) => boolean {
  return (file) =>
    file === wanted ||
    (/^usr\/lib(64)?\/([^/]+-linux-gnu\/)?[^/]+$/.test(file) &&
      path.posix.basename(file) === wanted);
}

function find(packages: readonly UnpackedPackage[], fits: (file: string) => boolean) {
  for (const { files } of packages) {
    for (const [file, entry] of files) if (fits(file) && entry.kind !== "directory") return entry;
  }
  return undefined;
}

/**
 * The licence goes wherever the files go; scanners find the package's version in `status.d`, and there is
 * the checksum of the package that the files come from.
 */
function papers({ candidate, files }: UnpackedPackage): TarEntry[] {
  const { name, fields } = candidate;
  const copyright = files.get(`usr/share/doc/${name}/copyright`);
  const shown = [
    "Package",
    "Source",
    "Version",
    "Architecture",
    "Maintainer",
    "Homepage",
    "SHA256",
  ];
  const lines = shown.flatMap((field) => (fields[field] ? [`${field}: ${fields[field]}`] : []));
  const status = ["Status: install ok installed", ...lines, ""].join("\n");
  const record: TarEntry = {
    kind: "file",
    path: `var/lib/dpkg/status.d/${name}`,
    mode: 0o644,
    data: Buffer.from(status),
  };
  return copyright?.kind === "file" ? [copyright, record] : [record];
}

function missing(name: string, file: string): never {
  throw new ImageError({
    what: "A Debian package does not hold a file that the image needs.",
    where: `${name}: /${file}`,
    why: "the package of this machine's release is laid out differently",
    fix: "correct the path in the image's recipe, or give the machine access to an image registry",
  });
}

function noLibrary(library: string, file: string): ImageError {
  return new ImageError({
    what: "A shared library that the image needs is in none of its Debian packages.",
    where: `${library}, needed by /${file}`,
    why: "no package that the recipe names depends on the package of this library",
    fix: "name that package in the image's recipe",
  });
}

/** The Debian (or Ubuntu) that packages are taken from: this machine's. */
export interface Release {
  /** For the image's labels: `debian:bookworm`. */
  readonly name: string;
  /** Scanners ask them of which distribution an image is. */
  readonly files: readonly TarEntry[];
}

export async function machineRelease(): Promise<Release> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)`, "m").exec(text)?.[1];
  // Of the other fields some change with each point release.
  const kept = ["ID", "VERSION_ID", "VERSION_CODENAME"];
  const lines = kept.flatMap((name) => {
    const value = field(name);
    return value === undefined ? [] : [`${name}="${value}"\n`];
  });
  return {
    name: `${field("ID") ?? "debian"}:${field("VERSION_CODENAME") ?? "unknown"}`,
    files: [
      {
        kind: "file",
        path: "usr/lib/os-release",
        mode: 0o644,
        data: Buffer.from(lines.join("")),
      },
      { kind: "symlink", path: "etc/os-release", target: "../usr/lib/os-release" },
    ],
  };
}
