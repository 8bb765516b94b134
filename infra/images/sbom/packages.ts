import type { TarEntry } from "../tar";
import { debianLicenses } from "./licenses";

/** A package of a distribution, as the image's own records have it. */
export interface SystemPackage {
  /** Type of a package URL. */
  readonly type: "deb" | "apk";
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** SPDX identifiers and expressions where they are known as such, else the distribution's own names. */
  readonly licenses: readonly string[];
  readonly homepage?: string;
  readonly maintainer?: string;
  /** Of the package's file, in hexadecimal. */
  readonly sha256?: string;
}

export interface Distribution {
  /** `debian` or `alpine`. */
  readonly id: string;
  /** `debian-12`; the identifier alone where the image does not tell its version. */
  readonly release: string;
}

type Files = ReadonlyMap<string, TarEntry>;

/** By `/etc/os-release`. */
export function distributionOf(files: Files): Distribution {
  const text = read(files, "usr/lib/os-release") ?? read(files, "etc/os-release") ?? "";
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]+)`, "m").exec(text)?.[1];
  const id = field("ID") ?? "unknown";
  const version = field("VERSION_ID");
  return { id, release: version === undefined ? id : `${id}-${version}` };
}

/** The packages in the databases of dpkg (also one file a package, as in distroless images) and apk. */
export function systemPackages(files: Files): SystemPackage[] {
  const dpkg = [...files.keys()].filter((path) =>
    /^var\/lib\/dpkg\/(status|status\.d\/[^/]+)$/.test(path),
  );
  return [
    ...dpkg
      .flatMap((path) => stanzas(read(files, path) ?? "", /^([A-Za-z0-9-]+):[ \t]*(.*)$/gm))
      .flatMap((fields) => debianPackage(fields, files)),
    ...stanzas(read(files, "lib/apk/db/installed") ?? "", /^([A-Za-z]):(.*)$/gm).flatMap(
      alpinePackage,
    ),
  ];
}

type Fields = Readonly<Record<string, string>>;

function debianPackage(fields: Fields, files: Files): SystemPackage[] {
  const { Package: name, Version: version, Architecture: architecture } = fields;
  if (!name || !version || !architecture) return [];
  // What was removed and left its configuration is recorded too.
  if (fields.Status !== undefined && !fields.Status.endsWith(" installed")) return [];
  const { Homepage: homepage, Maintainer: maintainer, SHA256: sha256 } = fields;
  const copyright = read(files, `usr/share/doc/${name}/copyright`);
  return [
    {
      type: "deb",
      ...{ name, version, architecture },
      licenses: copyright === undefined ? [] : debianLicenses(copyright),
      ...(homepage && { homepage }),
      ...(maintainer && { maintainer }),
      ...(sha256 && { sha256 }),
    },
  ];
}

/** Fields by https://wiki.alpinelinux.org/wiki/Apk_spec#Installed_Database_V2. */
function alpinePackage(fields: Fields): SystemPackage[] {
  const { P: name, V: version, A: architecture, L: license, U: homepage, m: maintainer } = fields;
  if (!name || !version || !architecture) return [];
  return [
    {
      type: "apk",
      ...{ name, version, architecture },
      licenses: license ? [license] : [],
      ...(homepage && { homepage }),
      ...(maintainer && { maintainer }),
    },
  ];
}

function stanzas(text: string, field: RegExp): Fields[] {
  return text
    .split(/\n{2,}/)
    .map((stanza) =>
      Object.fromEntries(
        [...stanza.matchAll(field)].map(([, name = "", value = ""]) => [name, value.trim()]),
      ),
    );
}

function read(files: Files, path: string): string | undefined {
  const entry = files.get(path);
  return entry?.kind === "file" ? entry.data.toString("utf8") : undefined;
}
