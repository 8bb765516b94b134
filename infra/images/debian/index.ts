import { rename } from "node:fs/promises";
import path from "node:path";

import type { BuildContext, ResolvedBase } from "../context";
import { errorCode } from "../cache";
import { digestOf } from "../canonical";
import { ImageError, lastLine } from "../errors";
import { readEntries } from "../layer";
import { historyOf, MEDIA_TYPES, type Descriptor } from "../oci";
import type { DebianBase, LayerEntry } from "../recipe";
import { writeTar, type TarEntry } from "../tar";
import { Apt, type Candidate } from "./apt";
import { machineRelease, MERGED_USR, select, unpack } from "./packages";

/**
 * Makes a base out of the packages of this machine's Debian (or Ubuntu) release: no root, no
 * install, and only the files that the recipe names with the shared libraries they need.
 *
 * @throws ImageError where there is no apt, or where it can't get a package
 */
export async function assembleDebianBase(
  base: DebianBase,
  context: BuildContext,
): Promise<ResolvedBase> {
  const { name: release, files } = await machineRelease();
  const candidates = await fetchPackages(base, context);
  const unpacked = await Promise.all(
    candidates.map((one) => unpack(one, debFile(context, one), context.signal)),
  );
  const { libraries, named, packages } = select(base, unpacked);
  const skeleton = [...MERGED_USR, ...files, ...readEntries(base.files, context.root)];
  const programs = readEntries(await toolEntries(base, context), context.root);
  const layers = [
    await storeLayer([...skeleton, ...libraries], context),
    ...(named.length === 0 ? [] : [await storeLayer(named, context)]),
    ...(programs.length === 0 ? [] : [await storeLayer(programs, context)]),
  ];
  const version = packages.find(({ name }) => name === base.versionPackage)?.version;
  return {
    kind: "debian",
    name: `${release} packages`,
    ...(version !== undefined && { version: upstreamVersion(version) }),
    packages: packages.map((one) => `${one.name}=${one.version}`),
    layers,
    diffIds: layers.map(({ digest }) => digest),
    history: [
      historyOf(`libraries of ${release}`),
      ...(named.length === 0 ? [] : [historyOf(`packages of ${release}`)]),
      ...(programs.length === 0 ? [] : [historyOf("programs of the toolchain")]),
    ],
    runtime: {},
  };
}

async function toolEntries(
  { tools = {} }: DebianBase,
  context: BuildContext,
): Promise<LayerEntry[]> {
  const entries = Object.entries(tools).map(async ([path, name]) => {
    return { kind: "file", path, from: await context.tool(name), mode: 0o755 } as const;
  });
  return Promise.all(entries);
}

async function storeLayer(
  entries: readonly TarEntry[],
  { cache }: BuildContext,
): Promise<Descriptor> {
  const data = writeTar(entries);
  const descriptor = { mediaType: MEDIA_TYPES.layer, digest: digestOf(data), size: data.length };
  await cache.write(cache.blob(descriptor.digest), data);
  return descriptor;
}

function debFile({ cache }: BuildContext, { sha256 }: Candidate): string {
  return cache.path("debs", sha256);
}

/**
 * Looks into the machine's package lists first. Container images are often shipped without any, and
 * old ones name versions that the archive no longer has: then lists of our own are downloaded.
 */
async function fetchPackages(base: DebianBase, context: BuildContext): Promise<Candidate[]> {
  const names = Object.keys(base.packages);
  if (names.length === 0) return [];
  try {
    return await fetchWith(Apt.system(context.signal), names, context);
  } catch (error) {
    context.signal?.throwIfAborted();
    // Neither a full disk nor a missing apt is mended by newer lists.
    if (error instanceof ImageError || errorCode(error) !== undefined) throw error;
    context.onProgress(`package lists are missing or old (${lastLine(String(error))}): refreshing`);
  }
  try {
    return await context.cache.temporary(async (directory) =>
      fetchWith(await Apt.withFreshLists(directory, context.signal), names, context),
    );
  } catch (error) {
    context.signal?.throwIfAborted();
    if (error instanceof ImageError || errorCode(error) !== undefined) throw error;
    throw unavailable(names, error);
  }
}

async function fetchWith(apt: Apt, names: readonly string[], context: BuildContext) {
  const candidates = await libraryClosure(apt, names);
  const { cache, onProgress } = context;
  const present = await Promise.all(
    candidates.map((one) => cache.has(debFile(context, one), one.size)),
  );
  const missing = candidates.filter((_one, index) => !(present[index] ?? false));
  if (missing.length > 0) {
    const megabytes = (missing.reduce((sum, { size }) => sum + size, 0) / 1e6).toFixed(1);
    onProgress(`downloading ${missing.length} Debian packages (${megabytes} MB)`);
    await cache.temporary(async (directory) => {
      await apt.download(missing, directory);
      for (const one of missing) {
        await cache.replace(debFile(context, one), (file) =>
          rename(path.join(directory, one.sha256), file),
        );
      }
    });
  }
  return candidates;
}

/** The packages and, through their dependencies, every library they may load. */
async function libraryClosure(apt: Apt, names: readonly string[]): Promise<Candidate[]> {
  const named = await apt.candidates(names);
  const unknown = names.filter((name) => !named.has(name));
  if (unknown.length > 0) throw new Error(`no package list knows ${unknown.join(", ")}`);
  const closure = new Map(named);
  const asked = new Set(names);
  for (let layer = [...named.values()]; layer.length > 0;) {
    const wanted = [...new Set(layer.flatMap(({ depends }) => depends.flat()))];
    const unseen = wanted.filter((name) => !asked.has(name));
    for (const name of unseen) asked.add(name);
    const found = [...(await apt.candidates(unseen)).values()];
    // Other sections hold what install scripts use (iproute2, debconf): no file of theirs is needed.
    layer = found.filter(({ section }) => section === "libs");
    for (const one of layer) closure.set(one.name, one);
  }
  return [...closure.values()];
}

/** `1:1.22.1-9+deb12u10` -> `1.22.1` */
function upstreamVersion(version: string): string {
  return version.replace(/^\d+:/, "").replace(/-[^-]*$/, "");
}

function unavailable(names: readonly string[], cause: unknown): ImageError {
  const problem = {
    what: "The Debian packages of an image can't be had.",
    where: names.join(", "),
    why: cause instanceof Error ? lastLine(cause.message) : String(cause),
    fix: "check the network and /etc/apt/sources.list, run `sudo apt-get update`, then try again",
  };
  return new ImageError(problem, { cause });
}
