import { mkdir, readdir, rename } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";

import { ImageError, lastLine } from "../errors";

/** A package in the version that apt would install. */
export interface Candidate {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly section: string;
  /** Per dependency the names that fulfil it, best first. */
  readonly depends: readonly (readonly string[])[];
  /** Bytes of the .deb. */
  readonly size: number;
  readonly sha256: string;
  /** The fields of the package index, for the image's own list of packages. */
  readonly fields: Readonly<Record<string, string>>;
}

const DOWNLOAD_TIMEOUT_MS = 5 * 60_000;
const LISTS_TIMEOUT_MS = 3 * 60_000;

/**
 * apt without root: it reads the machine's package sources and keys, and writes nothing outside of
 * the directories given. Signatures and checksums are verified by apt as always.
 */
export class Apt {
  private constructor(
    private readonly options: readonly string[],
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** With the machine's own package lists. */
  static system(signal?: AbortSignal): Apt {
    return new Apt(COMMON_OPTIONS, signal);
  }

  /** With package lists of its own, freshly downloaded into `directory`. */
  static async withFreshLists(directory: string, signal?: AbortSignal): Promise<Apt> {
    const own = option("Dir::State::Lists", `${directory}/lists`);
    const cache = option("Dir::Cache", `${directory}/cache`);
    const apt = new Apt([...COMMON_OPTIONS, ...own, ...cache], signal);
    for (const name of ["lists/partial", "cache/archives/partial"]) {
      await mkdir(path.join(directory, name), { recursive: true });
    }
    // Its exit code is of no use: one unreachable third-party source is no reason to give up.
    await apt.run("apt-get", ["-qq", "update"], LISTS_TIMEOUT_MS, { reject: false });
    return apt;
  }

  /** Candidates by name; packages that no list knows are left out. */
  async candidates(names: readonly string[]): Promise<Map<string, Candidate>> {
    if (names.length === 0) return new Map();
    const show = ["show", "--no-all-versions", ...names];
    const { stdout } = await this.run("apt-cache", show, LISTS_TIMEOUT_MS, { reject: false });
    const found = parseStanzas(stdout).map(toCandidate);
    return new Map(found.flatMap((one) => (one === undefined ? [] : [[one.name, one]])));
  }

  /** Downloads the given candidates into `directory`, as files named by their SHA-256. */
  async download(packages: readonly Candidate[], directory: string): Promise<void> {
    const wanted = packages.map((one) => `${one.name}:${one.architecture}=${one.version}`);
    await this.run("apt-get", ["-q", "download", ...wanted], DOWNLOAD_TIMEOUT_MS, {
      cwd: directory,
    });
    const files = await readdir(directory);
    for (const one of packages) {
      const file = files.find((name) => isFileOf(name, one));
      if (file === undefined) throw new Error(`apt-get did not download ${one.name}`);
      await rename(path.join(directory, file), path.join(directory, one.sha256));
    }
  }

  private async run(
    command: string,
    args: readonly string[],
    timeout: number,
    options: { reject?: boolean; cwd?: string } = {},
  ) {
    const { signal } = this;
    const result = await execa(command, [...this.options, ...args], {
      ...options,
      ...(signal && { cancelSignal: signal }),
      reject: false,
      timeout,
      stdin: "ignore",
      env: { LC_ALL: "C" },
    });
    signal?.throwIfAborted();
    if (result.code === "ENOENT") throw notDebian(command);
    if (options.reject !== false && result.failed) {
      const late = `${command} did not end within ${timeout / 1000} s`;
      throw new Error(result.timedOut ? late : lastLine(result.stderr));
    }
    return result;
  }
}

const COMMON_OPTIONS = [
  // What is installed on this machine must not decide what goes into an image.
  ...option("Dir::State::status", "/dev/null"),
  // As root, apt would change to a user that can't write into our directories.
  ...option("APT::Sandbox::User", "root"),
  ...option("Acquire::Retries", "1"),
  ...option("Acquire::http::Timeout", "10"),
  ...option("Acquire::https::Timeout", "10"),
];

function option(name: string, value: string): string[] {
  return ["-o", `${name}=${value}`];
}

/** apt escapes the colon of an epoch in file names. */
function isFileOf(file: string, { name, version, architecture }: Candidate): boolean {
  return file === `${name}_${version.replaceAll(":", "%3a")}_${architecture}.deb`;
}

function parseStanzas(text: string): Record<string, string>[] {
  return text.split(/\n{2,}/).map((stanza) => {
    const fields = stanza.matchAll(/^([A-Za-z0-9-]+):[ \t]*(.*(?:\n[ \t].*)*)/gm);
    return Object.fromEntries([...fields].map(([, name = "", value = ""]) => [name, value.trim()]));
  });
}

function toCandidate(fields: Record<string, string>): Candidate | undefined {
  const { Package: name, Version: version, Architecture: architecture, SHA256: sha256 } = fields;
  // A package without a checksum is known to dpkg only: there is nothing to download.
  if (!name || !version || !architecture || !sha256) return undefined;
  const depends = [fields.Depends, fields["Pre-Depends"]].flatMap(parseDepends);
  const size = Number(fields.Size ?? 0);
  const section = (fields.Section ?? "").split("/").at(-1) ?? "";
  return { name, version, architecture, section, depends, size, sha256, fields };
}

/** `a (>= 1) | b, c:any` -> [["a", "b"], ["c"]] */
function parseDepends(field: string | undefined): string[][] {
  return (field ?? "")
    .split(",")
    .map((group) => group.split("|").map((name) => name.trim().replace(/[ (:].*/s, "")))
    .map((group) => group.filter((name) => name !== ""))
    .filter((group) => group.length > 0);
}

function notDebian(command: string): ImageError {
  return new ImageError({
    what: "No image can be assembled from Debian packages on this machine.",
    why: `${command} is not installed, and no image registry answers`,
    fix: "give the machine access to an image registry, or use Debian or Ubuntu",
  });
}
