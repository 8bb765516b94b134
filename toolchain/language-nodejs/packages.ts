import { existsSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";

import { PackageDependency, PackageParameterization } from "@pulumi/pulumi/proto/plugin_pb";
import { parse } from "yaml";

import { LanguageHostError, messageOf } from "./errors";
import type { Program } from "./options";

/** The parts of package.json that matter here. `pulumi` is written by provider SDKs. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly pulumi?: {
    readonly resource?: boolean;
    readonly name?: string;
    readonly version?: string;
    readonly server?: string;
    readonly parameterization?: Parameterization;
    readonly extensionParameterization?: Parameterization;
  };
}

/** `value` is base64. */
interface Parameterization {
  readonly name: string;
  readonly version: string;
  readonly value: string;
}

export interface InstalledPackage {
  readonly manifest: Manifest;
  /** Named by the program's own package.json. */
  readonly direct: boolean;
}

/**
 * What is installed for a program: found as Node finds it, from each package's own folder upwards,
 * so that hoisted, linked and nested packages are all seen, and nested policy packs are not.
 * A dependency that is not installed is left out.
 */
export function installedPackages(programDirectory: string): InstalledPackage[] {
  const root = nearestManifest(programDirectory);
  if (root === undefined) return [];
  const found = new Map<string, InstalledPackage>();
  const seen: Lookup = new Map();
  const visit = (directory: string, names: Iterable<string>, direct: boolean): void => {
    for (const name of names) {
      const target = resolvePackage(directory, name, seen);
      if (target === undefined || found.has(target)) continue;
      const manifest = readManifest(target);
      if (manifest !== undefined) found.set(target, { manifest, direct });
    }
  };
  const { devDependencies = {}, ...runtime } = root.manifest;
  visit(root.directory, [...dependencyNames(runtime), ...Object.keys(devDependencies)], true);
  // A Map's iterator goes on to what is added behind it: this walks the whole graph.
  for (const [directory, { manifest }] of found) {
    visit(directory, dependencyNames(manifest), false);
  }
  return [...found.values()];
}

/**
 * The provider packages of a program, with the versions of their SDKs, except those the project
 * serves itself (`plugins.providers` of the project file): for them there is nothing to install.
 */
export function requiredPackages(program: Program): PackageDependency[] {
  const own = projectProviders(program.rootDirectory);
  return installedPackages(program.directory)
    .map(({ manifest }) => packageDependency(manifest))
    .filter((dependency) => dependency !== undefined)
    .filter((dependency) => !own.has(dependency.getName()));
}

/** @returns undefined for a package without a provider. */
function packageDependency(manifest: Manifest): PackageDependency | undefined {
  const { pulumi } = manifest;
  const name = pulumi?.name ?? /^@pulumi\/(.+)$/.exec(manifest.name ?? "")?.[1];
  const version = pulumi?.version ?? manifest.version;
  if (pulumi?.resource !== true || name === undefined || version === undefined) return undefined;
  return new PackageDependency()
    .setName(name)
    .setKind("resource")
    .setVersion(version.startsWith("v") ? version : `v${version}`)
    .setServer(pulumi.server ?? "")
    .setParameterization(parameterization(pulumi.parameterization))
    .setExtension$(parameterization(pulumi.extensionParameterization));
}

function parameterization(
  value: Parameterization | undefined,
): PackageParameterization | undefined {
  return value === undefined
    ? undefined
    : new PackageParameterization()
        .setName(value.name)
        .setVersion(value.version)
        .setValue(value.value);
}

function projectProviders(rootDirectory: string): Set<string> {
  const file = ["Pulumi.yaml", "Pulumi.yml", "Pulumi.json"]
    .map((name) => path.join(rootDirectory, name))
    .find((candidate) => existsSync(candidate));
  if (file === undefined) return new Set();
  try {
    const project = parse(readFileSync(file, "utf8")) as {
      plugins?: { providers?: { name: string }[] };
    } | null;
    return new Set(project?.plugins?.providers?.map(({ name }) => name));
  } catch (error) {
    throw new LanguageHostError(`could not read ${file}: ${messageOf(error)}`);
  }
}

function dependencyNames(manifest: Manifest): string[] {
  return Object.keys({
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
  });
}

/** The folder and package.json that `directory` belongs to. */
export function nearestManifest(
  directory: string,
): { readonly directory: string; readonly manifest: Manifest } | undefined {
  for (const candidate of ancestors(directory)) {
    const manifest = readManifest(candidate);
    if (manifest !== undefined) return { directory: candidate, manifest };
  }
  return undefined;
}

/** Candidate folders, with the real folder of the package that is there, if any. */
type Lookup = Map<string, string | undefined>;

/**
 * @param seen what earlier calls have looked up: most packages lead to the same few hundred
 * @returns the real folder of package `name` as seen from `directory`: pnpm links packages
 */
function resolvePackage(directory: string, name: string, seen: Lookup): string | undefined {
  for (const ancestor of ancestors(directory)) {
    if (path.basename(ancestor) === "node_modules") continue;
    const candidate = path.join(ancestor, "node_modules", name);
    if (!seen.has(candidate)) {
      const installed = existsSync(path.join(candidate, "package.json"));
      seen.set(candidate, installed ? realpathSync.native(candidate) : undefined);
    }
    const folder = seen.get(candidate);
    if (folder !== undefined) return folder;
  }
  return undefined;
}

/** `directory` and the folders above it, nearest first. */
export function ancestors(directory: string): string[] {
  const parent = path.dirname(directory);
  return parent === directory ? [directory] : [directory, ...ancestors(parent)];
}

/** The version of package `name` that code in `directory` would load. */
export function installedVersion(directory: string, name: string): string | undefined {
  const folder = resolvePackage(directory, name, new Map());
  return folder === undefined ? undefined : readManifest(folder)?.version;
}

function readManifest(directory: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(path.join(directory, "package.json"), "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}
