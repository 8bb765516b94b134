import type { BuildContext, ResolvedBase } from "./context";
import { canonicalJson, digestOf } from "./canonical";
import { assembleDebianBase } from "./debian";
import { BUILDER_VERSION } from "./hash";
import type { ImageBase, RegistryBase } from "./recipe";
import { pullBase, RegistryUnavailable } from "./registry";

/**
 * How long an answer about a base is remembered, where the recipe does not pin it by digest: so
 * long no registry is asked again, and a changed site keeps the base it had.
 */
const REMEMBERED_MS = 12 * 60 * 60_000;

const SCRATCH: ResolvedBase = {
  kind: "scratch",
  name: "scratch",
  layers: [],
  diffIds: [],
  history: [],
  runtime: {},
};

interface Memory {
  readonly at: number;
  readonly base: ResolvedBase;
}

/**
 * The base of an image: as remembered, else from its registry, else out of Debian's packages. Where
 * neither can be had, one remembered for too long is still better than none.
 *
 * @throws ImageError if there is no way to a base
 */
export async function resolveBase(base: ImageBase, context: BuildContext): Promise<ResolvedBase> {
  if (base.kind === "scratch") return SCRATCH;
  const { cache, architecture, signal, onProgress } = context;
  const inputs = { builder: BUILDER_VERSION, base, architecture };
  const key = digestOf(canonicalJson(inputs)).slice("sha256:".length);
  const onWait = () => onProgress("waiting for another build of the same base");
  return cache.locked(`base-${key}`, { signal, onWait }, async () => {
    const file = cache.path("bases", `${key}.json`);
    const memory = await recall(file, context);
    if (memory && isFresh(memory)) return memory.base;
    try {
      const found = await obtain(base, context);
      await cache.write(file, JSON.stringify({ at: Date.now(), base: found } satisfies Memory));
      return found;
    } catch (error) {
      signal?.throwIfAborted();
      if (memory === undefined) throw error;
      onProgress(`keeping the base of an earlier build: ${memory.base.name}`);
      return memory.base;
    }
  });
}

async function obtain(base: RegistryBase, context: BuildContext): Promise<ResolvedBase> {
  if (context.crane !== undefined) {
    try {
      return await pullBase(base, context.crane, context);
    } catch (error) {
      if (!(error instanceof RegistryUnavailable)) throw error;
      context.onProgress(`registry not usable (${error.message}): assembling from Debian packages`);
    }
  }
  return assembleDebianBase(base.fallback, context);
}

function isFresh({ at, base }: Memory): boolean {
  const age = Date.now() - at;
  const pinned = base.kind === "registry" && base.name.includes("@sha256:");
  return pinned || (age >= 0 && age < REMEMBERED_MS);
}

async function recall(file: string, { cache }: BuildContext): Promise<Memory | undefined> {
  const memory = await cache.readJson(file);
  if (!isMemory(memory)) return undefined;
  const present = memory.base.layers.map(({ digest, size }) => cache.has(cache.blob(digest), size));
  return (await Promise.all(present)).every(Boolean) ? memory : undefined;
}

function isMemory(value: unknown): value is Memory {
  return typeof value === "object" && value !== null && "at" in value && "base" in value;
}
