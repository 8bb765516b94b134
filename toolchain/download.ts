import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { EnvHttpProxyAgent, fetch, type Dispatcher, type Response } from "undici";

import { reasonOf, ToolError } from "./errors";
import type { Environment } from "./paths";

/** Milliseconds. A server that is silent longer than this is given up. */
export interface Limits {
  /** Until the first answer of a host. */
  readonly answer: number;
  /** Between two pieces of a file. */
  readonly stall: number;
  /** Before the first repetition; doubled each time. */
  readonly pause: number;
}

export const DEFAULT_LIMITS: Limits = { answer: 5_000, stall: 15_000, pause: 500 };

/** Attempts in a row that bring no further byte. */
const FRUITLESS_ATTEMPTS = 3;

/** The file cannot be had from there now; a build may help. Never used for a wrong checksum. */
export class DownloadError extends Error {
  override readonly name = "DownloadError";
}

/** The target file cannot be written: not the network's fault, so neither repeated nor replaced by a build. */
class TargetError extends Error {
  override readonly name = "TargetError";
}

const onDisk = <T>(work: Promise<T>): Promise<T> =>
  work.catch((cause: unknown) => {
    throw new TargetError("the file cannot be written", { cause });
  });

export interface DownloadRequest {
  readonly url: string;
  readonly sha256: string;
  /** Names the file in messages: `kubectl 1.36.3`. */
  readonly title: string;
  /** Where the file is written; what is there already is continued. */
  readonly target: string;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((received: number, total: number | undefined) => void) | undefined;
}

/** One run's way to the network: honours HTTP(S)_PROXY and NO_PROXY, asks each host once whether it answers. */
export class Downloader {
  readonly #agent: Dispatcher;
  readonly #answers = new Map<string, Promise<void>>();

  constructor(
    env: Environment,
    readonly limits: Limits = DEFAULT_LIMITS,
  ) {
    const setting = (name: string) => env[name.toLowerCase()] ?? env[name.toUpperCase()] ?? "";
    this.#agent = new EnvHttpProxyAgent({
      httpProxy: setting("http_proxy"),
      httpsProxy: setting("https_proxy"),
      noProxy: setting("no_proxy"),
      connect: { timeout: limits.answer },
      headersTimeout: limits.answer,
      bodyTimeout: limits.stall,
    });
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /**
   * Rejects with a DownloadError when the URL's host gives no HTTP answer in time. Asked once for each
   * host in a run, so that a machine without internet waits once, and not once for each tool.
   */
  async checkHost(url: string, signal?: AbortSignal): Promise<void> {
    const { origin, host } = new URL(url);
    let answer = this.#answers.get(origin);
    if (answer === undefined) {
      answer = this.#askHost(url, host, signal);
      this.#answers.set(origin, answer);
    }
    await answer;
  }

  async #askHost(url: string, host: string, signal?: AbortSignal): Promise<void> {
    const limit = AbortSignal.timeout(this.limits.answer);
    try {
      await fetch(url, {
        method: "HEAD",
        redirect: "manual",
        dispatcher: this.#agent,
        signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      });
    } catch (error) {
      signal?.throwIfAborted();
      const why = limit.aborted
        ? `no answer within ${this.limits.answer / 1000} s`
        : reasonOf(error);
      throw new DownloadError(`${host}: ${why}`);
    }
  }

  /**
   * Fetches a file and checks its SHA-256. A broken transfer is continued where it stopped.
   * @throws DownloadError when the file cannot be had, ToolError when its content is not the pinned one
   */
  async download(request: DownloadRequest): Promise<void> {
    await this.checkHost(request.url, request.signal);
    const resumed = (await sizeOf(request.target)) > 0;
    await this.#fetchAll(request);
    let actual = await sha256Of(request.target);
    if (actual !== request.sha256 && resumed) {
      // What an earlier run left may be the damaged part: once more, from the first byte.
      await rm(request.target, { force: true });
      await this.#fetchAll(request);
      actual = await sha256Of(request.target);
    }
    if (actual === request.sha256) return;
    await rm(request.target, { force: true });
    throw new ToolError({
      what: `${request.title}: wrong checksum, the file is refused`,
      where: request.url,
      why: `expected sha256 ${request.sha256}, received ${actual}`,
      fix: "try from another network; DRYDOCK_DOWNLOADS=off builds from source instead",
    });
  }

  async #fetchAll(request: DownloadRequest): Promise<void> {
    for (let fruitless = 0; ;) {
      const before = await sizeOf(request.target);
      try {
        await this.#fetchRest(request, before);
        return;
      } catch (error) {
        request.signal?.throwIfAborted();
        if (error instanceof TargetError) {
          // On a full disk the half file is the first thing to go.
          await rm(request.target, { force: true }).catch(() => undefined);
          throw error;
        }
        if (error instanceof DownloadError) throw error;
        fruitless = (await sizeOf(request.target)) > before ? 0 : fruitless + 1;
        const where = new URL(request.url).host;
        if (fruitless >= FRUITLESS_ATTEMPTS) {
          throw new DownloadError(`${where}: ${reasonOf(error)}`, { cause: error });
        }
        const pause = this.limits.pause * 2 ** fruitless;
        await sleep(pause, undefined, { ...(request.signal && { signal: request.signal }) });
      }
    }
  }

  async #fetchRest({ url, target, signal, onBytes }: DownloadRequest, from: number): Promise<void> {
    const response = await fetch(url, {
      dispatcher: this.#agent,
      headers: { "accept-encoding": "identity", ...(from > 0 && { range: `bytes=${from}-` }) },
      ...(signal && { signal }),
    });
    if (response.status === 416) {
      // More is here than there: not a part of this file.
      await rm(target, { force: true });
      throw new Error("the server refused to continue the file");
    }
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      const message = `${new URL(url).host}: HTTP ${response.status} for ${url}`;
      if (response.status >= 500 || response.status === 429) throw new Error(message);
      throw new DownloadError(message);
    }
    const offset = response.status === 206 ? from : 0;
    const total = totalBytes(response, offset);
    const received = await writeBody(response, target, offset, (bytes) => onBytes?.(bytes, total));
    if (total !== undefined && received < total) {
      throw new Error(`the file ended after ${received} of ${total} bytes`);
    }
  }
}

async function writeBody(
  response: Response,
  target: string,
  offset: number,
  onBytes: (received: number) => void,
): Promise<number> {
  const file = await onDisk(open(target, offset > 0 ? "r+" : "w", 0o600));
  let position = offset;
  try {
    for await (const chunk of response.body ?? []) {
      const bytes = chunk as Uint8Array;
      await onDisk(file.write(bytes, 0, bytes.length, position));
      position += bytes.length;
      onBytes(position);
    }
  } finally {
    await file.close();
  }
  return position;
}

function totalBytes(response: Response, offset: number): number | undefined {
  const length = response.headers.get("content-length");
  return length === null ? undefined : offset + Number(length);
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
