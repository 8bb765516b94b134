import { fixupSpdxId } from "@cyclonedx/cyclonedx-library/SPDX";

import { compare } from "../canonical";

/**
 * The licences that a Debian copyright file names, sorted: as SPDX identifiers where Debian's names have
 * one. A file in the machine-readable format states them; of any other only the texts it refers to are
 * known. Source: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
 */
export function debianLicenses(copyright: string): string[] {
  const stated = /^Format:/m.test(copyright)
    ? copyright.matchAll(/^License:[ \t]*(\S.*)$/gm)
    : copyright.matchAll(/\/usr\/share\/common-licenses\/([A-Za-z]+(?:-\d+(?:\.\d+)*)?)/g);
  const names = [...stated].map(([, name = ""]) => toSpdx(name.trim()));
  return [...new Set(names)].sort(compare);
}

const NAMES: Readonly<Record<string, string>> = { Expat: "MIT", "Apache-2": "Apache-2.0" };

/** `GPL-2+` -> `GPL-2.0-or-later`; what SPDX does not know stays as it is. */
function toSpdx(name: string): string {
  const gnu = /^(A?GPL|LGPL|GFDL)-(\d)(\.\d)?(\+?)$/.exec(name);
  if (gnu !== null) {
    const [, family = "", major = "", minor = ".0", later = ""] = gnu;
    return `${family}-${major}${minor}-${later === "" ? "only" : "or-later"}`;
  }
  return NAMES[name] ?? fixupSpdxId(name) ?? name;
}
