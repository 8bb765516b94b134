import { join } from "node:path";

import { entryDirectory, readEntry, type Cache } from "./cache";
import type { Limits } from "./download";
import { ToolError } from "./errors";
import { obtain, type Progress, type Run } from "./obtain";
import { defaultCacheDirectory, projectRoot, type Environment } from "./paths";
import { searchPath } from "./probe";
import {
  currentPlatform,
  type KubernetesMinor,
  type Platform,
  type Release,
  releasesOf,
  type ToolName,
} from "./release";
import { DEFAULT_KUBERNETES_MINOR, RECIPES, RELEASES } from "./tools";

export type { ToolName } from "./release";
export type { Progress } from "./obtain";
export { ToolError } from "./errors";

export interface ResolvedTool {
  readonly path: string;
  readonly version: string;
  readonly source: "PATH" | "cache" | "download" | "build";
  /** How a tool of the cache came there. */
  readonly origin?: "download" | "build";
}

export interface ResolveOptions {
  /** Minor of the Kubernetes commands. Default: the one that stacks share. */
  readonly kubernetes?: KubernetesMinor | undefined;
  readonly env?: Environment;
  /** Default: `$XDG_CACHE_HOME/drydock`. */
  readonly cacheDirectory?: string;
  /** Interrupts: the build's processes die, the cache keeps only whole entries. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Serves every official file at `<mirror>/<host>/<path>` of its URL; checksums hold all the same.
   * Default: the environment variable DRYDOCK_MIRROR.
   */
  readonly mirror?: string;
  readonly limits?: Limits;
  readonly platform?: Platform;
  /** The table and the Go modules, replaced by tests. */
  readonly releases?: readonly Release[];
  readonly goDirectory?: string;
  /** Builds take the time of the processor that nothing else wants. Default false. */
  readonly background?: boolean;
}

export type ResolvedTools = Map<ToolName, ResolvedTool>;

/**
 * Finds each tool, or makes it: PATH (fitting version), cache, official download, build from pinned Go
 * modules, in this order. Safe to interrupt and to run twice at once.
 * @throws ToolError with what, where, why and fix
 */
export async function resolveTools(
  names: readonly ToolName[],
  options: ResolveOptions = {},
): Promise<ResolvedTools> {
  const run = newRun(options);
  const { tools, missing } = await locate(names, run, options.kubernetes);
  if (missing.length > 0) {
    const groups = [...new Set(missing.map(({ recipe }) => recipe))];
    run.report({
      kind: "plan",
      groups: groups.map((name) => ({ name, title: RECIPES[name].title })),
    });
    const origins = await obtain(missing, run);
    for (const release of missing) {
      addEntry(tools, run.cache, release, origins.get(release) ?? "cache");
    }
  }
  return new Map(names.flatMap((name) => entryOf(tools, name)));
}

/** What `resolveTools` would find without fetching anything: PATH and cache only. */
export async function locateTools(
  names: readonly ToolName[],
  options: ResolveOptions = {},
): Promise<ResolvedTools> {
  const { tools } = await locate(names, newRun(options), options.kubernetes);
  return new Map(names.flatMap((name) => entryOf(tools, name)));
}

function newRun(options: ResolveOptions): Run {
  const env = options.env ?? process.env;
  const platform = options.platform ?? currentPlatform();
  return {
    cache: { directory: options.cacheDirectory ?? defaultCacheDirectory(env), platform },
    env,
    signal: options.signal,
    report: options.onProgress ?? (() => undefined),
    mirror: options.mirror ?? env.DRYDOCK_MIRROR,
    downloads: env.DRYDOCK_DOWNLOADS !== "off",
    limits: options.limits,
    releases: options.releases ?? RELEASES,
    goDirectory: options.goDirectory ?? join(projectRoot(), "toolchain", "go"),
    background: options.background ?? false,
  };
}

const entryOf = (tools: ResolvedTools, name: ToolName): [ToolName, ResolvedTool][] => {
  const tool = tools.get(name);
  return tool === undefined ? [] : [[name, tool]];
};

function assertKnown(names: readonly ToolName[], releases: readonly Release[]): void {
  const known = releases.flatMap(({ tools }) => tools.map(({ name }) => name));
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new ToolError({
    what: `no tool is named ${unknown}`,
    why: `the table has ${known.join(", ")}`,
  });
}

function addEntry(
  tools: ResolvedTools,
  cache: Cache,
  { tools: members, version, ...rest }: Release,
  source: "cache" | "download" | "build",
  origin?: "download" | "build",
): void {
  const directory = entryDirectory(cache, { tools: members, version, ...rest });
  for (const { name } of members) {
    tools.set(name, { path: join(directory, name), version, source, ...(origin && { origin }) });
  }
}

async function locate(
  names: readonly ToolName[],
  { releases, cache, env }: Run,
  minor: KubernetesMinor = DEFAULT_KUBERNETES_MINOR,
): Promise<{ tools: ResolvedTools; missing: readonly Release[] }> {
  assertKnown(names, releases);
  const needed = releasesOf(names, minor, releases);
  const tools: ResolvedTools = new Map();
  const absent = await Promise.all(
    needed.map(async (release) => {
      const onPath = (await searchPath(release, env, cache.directory)).tools;
      if (onPath !== undefined) {
        for (const { name } of release.tools) {
          const found = onPath.get(name);
          if (found !== undefined) tools.set(name, { ...found, source: "PATH" });
        }
        return [];
      }
      const origin = await readEntry(cache, release);
      if (origin === undefined) return [release];
      addEntry(tools, cache, release, "cache", origin.source);
      return [];
    }),
  );
  return { tools, missing: absent.flat() };
}
