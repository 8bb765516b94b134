import { execa } from "execa";

import { LocalClusterError } from "../runtime/errors";
import { type ContainerEngine, containerEnvironment } from "./container-engine";

/** kind's name of a cluster: its own, so that it cannot meet one that the user made. */
export const kindName = (cluster: string): string => `drydock-${cluster}`;

/** The container that is the one node. */
export const nodeContainer = (cluster: string): string => `${kindName(cluster)}-control-plane`;

export interface KindTool {
  /** Path of the `kind` binary. */
  readonly kind: string;
  readonly container: ContainerEngine;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (line: string) => void;
}

/** Runs kind to its end. @throws LocalClusterError with kind's own reason */
export async function runKind(
  what: string,
  args: readonly string[],
  { kind, container, signal, onProgress }: KindTool,
): Promise<string> {
  const env = {
    ...containerEnvironment(),
    ...(container.name === "podman" ? { KIND_EXPERIMENTAL_PROVIDER: "podman" } : {}),
  };
  return finish(what, kind, args, { env, signal, onProgress });
}

/** Runs the container engine's own command line. @throws LocalClusterError */
export function runContainer(
  what: string,
  args: readonly string[],
  { container, signal }: Pick<KindTool, "container" | "signal">,
): Promise<string> {
  return finish(what, container.name, args, { env: containerEnvironment(), signal });
}

interface Options {
  readonly env: Record<string, string>;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((line: string) => void) | undefined;
}

async function finish(
  what: string,
  file: string,
  args: readonly string[],
  { env, signal, onProgress }: Options,
): Promise<string> {
  const child = execa(file, args, {
    env,
    extendEnv: false,
    stdin: "ignore",
    reject: false,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  if (onProgress !== undefined) {
    for await (const line of child.iterable({ from: "stderr" })) {
      const step = /[\u2022\u2713] (.*)/.exec(line)?.[1];
      if (step !== undefined) onProgress(`kind: ${step.trim()}`);
    }
  }
  const result = await child;
  if (!result.failed) return result.stdout;
  signal?.throwIfAborted();
  throw new LocalClusterError(`${what} failed`, {
    why: kindReason(result.stderr === "" ? (result.shortMessage ?? "") : result.stderr),
    fix: "see that the container engine is well (docker info or podman info), and that npm run doctor agrees",
  });
}

/** kind's error and the engine's last word, without the engine's whole output between them. */
export function kindReason(output: string): string {
  const lines = output
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^(?:Stack Trace|Command Output: \{)/.test(line));
  const error = lines.find((line) => line.startsWith("ERROR: "))?.slice("ERROR: ".length);
  const last = lines.at(-1);
  const said = error === undefined || last?.endsWith(error) ? [last] : [error, last];
  return said
    .filter((line) => line !== undefined)
    .join("; ")
    .slice(0, 600);
}
