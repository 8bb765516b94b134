import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";

import { ImageError, lastLine } from "./errors";
import type { BuiltImage } from "./store";

const ASK_TIMEOUT_MS = 10_000;
const PUSH_TIMEOUT_MS = 10 * 60_000;

export interface PublishOptions {
  /** Path of the `crane` binary. It takes credentials from where `docker login` puts them. */
  readonly crane: string;
  readonly signal?: AbortSignal;
}

/**
 * Pushes an image to the registry that its reference names; the digest stays as it was built.
 * @throws ImageError with the registry's own words
 */
export async function publishImage(
  { reference, digest, archive }: BuiltImage,
  options: PublishOptions,
): Promise<void> {
  const repository = reference.slice(0, reference.indexOf("@"));
  const layout = await mkdtemp(path.join(tmpdir(), "drydock-image-"));
  try {
    // Loaded when an image is pushed: a preview only asks what is there.
    const { extract } = await import("tar");
    await extract({ file: archive, cwd: layout });
    // A tag keeps it from the clean-up that many registries make among what has none.
    const tagged = `${repository}:${digest.slice("sha256:".length, "sha256:".length + 12)}`;
    const pushed = await ask(["push", layout, tagged], PUSH_TIMEOUT_MS, options);
    if (!pushed.failed) return;
    const why = pushed.timedOut
      ? `no end within ${PUSH_TIMEOUT_MS / 60_000} min`
      : lastLine(pushed.stderr);
    throw new ImageError({
      what: "The image cannot be pushed.",
      where: repository,
      why,
      fix: `see that the registry answers and that docker login ${repository.split("/")[0] ?? ""} has been done with the right to push; or set another drydock:cluster.registry`,
    });
  } finally {
    await rm(layout, { recursive: true, force: true });
  }
}

/** Whether the registry holds an image; undefined where it does not say. */
export async function isPublished(
  reference: string,
  options: PublishOptions,
): Promise<boolean | undefined> {
  const answer = await ask(["digest", reference], ASK_TIMEOUT_MS, options);
  if (!answer.failed) return true;
  return /NOT_FOUND|UNKNOWN|404/.test(answer.stderr) ? false : undefined;
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
  const { failed, timedOut, stderr } = await execa(crane, args, {
    reject: false,
    timeout,
    stdin: "ignore",
    ...(signal && { cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  return { failed, timedOut, stderr };
}
