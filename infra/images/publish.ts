import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";

import { ImageError, lastLine } from "./errors";
import { blobPath, type Descriptor } from "./oci";
import type { BuiltImage } from "./store";

const ASK_TIMEOUT_MS = 10_000;
const PUSH_TIMEOUT_MS = 10 * 60_000;

/** The `crane` binary, or a program that runs it elsewhere: crane's own arguments follow `args`. */
export interface CraneCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** Beside the caller's environment, from which crane takes the credentials of `docker login`. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface PublishOptions {
  readonly crane: CraneCommand;
  /** `host:port` at which the registry of the reference answers. Default: its own name. */
  readonly address?: string;
  /**
   * Brings a layer to the registry in another way, before the push, which then finds it there.
   * Default: none, and what the registry does not have is uploaded.
   * @param file with the layer's bytes
   */
  readonly deliver?: (digest: string, file: string) => Promise<void>;
  readonly signal?: AbortSignal;
}

/** What a push has brought to a registry. */
export interface Pushed {
  /** The beginning of the digest. */
  readonly tag: string;
  /** Layers and configuration; those that the registry had are not sent. */
  readonly blobs: { readonly sent: Amount; readonly present: Amount };
}

export interface Amount {
  readonly count: number;
  readonly bytes: number;
}

/**
 * Pushes an image to the registry that its reference names; the digest stays as it was built.
 * @throws ImageError with the registry's own words
 */
export async function publishImage(image: BuiltImage, options: PublishOptions): Promise<Pushed> {
  const { digest } = image;
  // A tag keeps it from the clean-up that many registries make among what has none.
  const tag = digest.slice("sha256:".length, "sha256:".length + 12);
  const tagged = `${repositoryOf(image.reference)}:${tag}`;
  return withLayout(async (layout) => {
    // Loaded when an image is pushed: a preview only asks what is there.
    const { unpackImage } = await import("./unpack.js");
    await unpackImage(image, layout);
    const { layers } = await manifestIn(layout, digest);
    for (const { digest: layer } of layers) await options.deliver?.(layer, blobIn(layout, layer));
    const said = await push(layout, tagged, options);
    const sent = [...said.matchAll(/pushed blob: (sha256:[0-9a-f]{64})/g)].map(
      ([, one = ""]) => one,
    );
    return { tag, blobs: await amounts(layout, digest, new Set(sent)) };
  });
}

/**
 * Gives an image that the registry holds one more tag.
 * @throws ImageError with the registry's own words, such as that its tags cannot be moved
 */
export async function tagImage(
  reference: string,
  tag: string,
  options: PublishOptions,
): Promise<void> {
  const tagged = await ask(["tag", at(reference, options), tag], ASK_TIMEOUT_MS, options);
  if (!tagged.failed) return;
  throw new ImageError({
    what: `The image cannot be tagged ${tag}.`,
    where: reference,
    why: lastLine(tagged.stderr),
    fix: "choose another tag: where tags are immutable, one that is not taken",
  });
}

/** Whether the registry holds an image; undefined where it does not say. */
export async function isPublished(
  reference: string,
  options: PublishOptions,
): Promise<boolean | undefined> {
  const answer = await ask(["digest", at(reference, options)], ASK_TIMEOUT_MS, options);
  if (!answer.failed) return true;
  return /NOT_FOUND|UNKNOWN|404/.test(answer.stderr) ? false : undefined;
}

/** `registry/name` of `registry/name@sha256:…`. */
export function repositoryOf(reference: string): string {
  return reference.slice(0, reference.indexOf("@"));
}

/** A directory for the time of `use`. */
export async function withLayout<T>(use: (layout: string) => Promise<T>): Promise<T> {
  const layout = await mkdtemp(path.join(tmpdir(), "drydock-image-"));
  try {
    return await use(layout);
  } finally {
    await rm(layout, { recursive: true, force: true });
  }
}

/**
 * Pushes an OCI layout.
 * @param target with tag or digest
 * @returns what crane says of its steps
 * @throws ImageError with the registry's own words
 */
export async function push(
  layout: string,
  target: string,
  options: PublishOptions,
): Promise<string> {
  const pushed = await ask(["push", layout, at(target, options)], PUSH_TIMEOUT_MS, options);
  if (!pushed.failed) return pushed.stderr;
  const host = target.split("/")[0] ?? "";
  throw new ImageError({
    what: "The image cannot be pushed.",
    where: target.replace(/[:@][^/]*$/, ""),
    why: pushed.timedOut
      ? `no end within ${PUSH_TIMEOUT_MS / 60_000} min`
      : lastLine(pushed.stderr),
    fix: `see that the registry answers and that docker login ${host} has been done with the right to push; or set another drydock:cluster.registry`,
  });
}

function at(reference: string, { address }: PublishOptions): string {
  return address === undefined ? reference : reference.replace(/^[^/]+/, address);
}

async function amounts(
  layout: string,
  digest: string,
  sent: ReadonlySet<string>,
): Promise<Pushed["blobs"]> {
  const { config, layers } = await manifestIn(layout, digest);
  const blobs = [...new Map([config, ...layers].map((one) => [one.digest, one])).values()];
  const amount = (some: readonly Descriptor[]): Amount => ({
    count: some.length,
    bytes: some.reduce((sum, { size }) => sum + size, 0),
  });
  return {
    sent: amount(blobs.filter((one) => sent.has(one.digest))),
    present: amount(blobs.filter((one) => !sent.has(one.digest))),
  };
}

interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

const blobIn = (layout: string, digest: string) => path.join(layout, blobPath(digest));

async function manifestIn(layout: string, digest: string): Promise<Manifest> {
  return JSON.parse(await readFile(blobIn(layout, digest), "utf8")) as Manifest;
}

interface Answer {
  readonly failed: boolean;
  readonly timedOut: boolean;
  readonly stderr: string;
}

async function ask(
  args: readonly string[],
  timeout: number,
  { crane, signal }: PublishOptions,
): Promise<Answer> {
  const { failed, timedOut, stderr, shortMessage } = await execa(
    crane.file,
    [...crane.args, ...args],
    {
      reject: false,
      timeout,
      stdin: "ignore",
      ...(crane.env && { env: crane.env }),
      ...(signal && { cancelSignal: signal }),
    },
  );
  signal?.throwIfAborted();
  return { failed, timedOut, stderr: stderr === "" ? (shortMessage ?? "") : stderr };
}
