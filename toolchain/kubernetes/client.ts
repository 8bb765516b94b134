import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import type { Connection } from "./connection";
import { Deadline } from "./deadline";
import { ApiError, UnreachableError } from "./errors";
import type { Json, JsonMap } from "./objects";
import { RateLimit } from "./rate-limit";
import type { ClientSettings } from "./settings";

export type Query = Readonly<Record<string, string | undefined>>;

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Query;
  readonly body?: Json;
  /** Default `application/json`. */
  readonly contentType?: string;
}

/** How long and how patiently an operation may try. */
export interface Patience {
  readonly signal: AbortSignal;
  /** Time (ms since the epoch) until which a server that does not answer is tried again. */
  readonly retryUntil: number;
  /** Called with the reason before each further attempt. */
  readonly onRetry?: (reason: string) => void;
  /** Called when a server that does not answer is given up. */
  readonly onUnreachable?: () => void;
  /** Called with each warning the server attaches to its answer. */
  readonly onWarning?: (text: string) => void;
}

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: JsonMap;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** The Kubernetes API as JSON: rate-limited requests, repeated while the server is not ready. */
export class Client {
  private readonly limit: RateLimit;

  constructor(
    readonly connection: Connection,
    private readonly settings: ClientSettings,
  ) {
    this.limit = new RateLimit(settings.qps, settings.burst);
  }

  /**
   * Sends a request, again and again while the server is starting or overloaded.
   *
   * @throws ApiError for a refusal, UnreachableError when there is no answer by `retryUntil`.
   */
  async request(request: ApiRequest, patience: Patience): Promise<Json> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      patience.signal.throwIfAborted();
      await this.limit.take(patience.signal);
      try {
        return await this.attempt(request, patience);
      } catch (error) {
        const wait = retryPause(error, pause);
        if (wait === undefined || Date.now() + wait > patience.retryUntil) {
          if (error instanceof UnreachableError) {
            patience.onUnreachable?.();
          }
          throw error;
        }
        patience.onRetry?.((error as Error).message);
        await sleep(wait, undefined, { signal: patience.signal });
      }
    }
  }

  /** Streams the changes of a collection until the server or `signal` ends it. */
  async *watch(path: string, query: Query, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    await this.limit.take(signal);
    const target = withQuery(path, { ...query, watch: "true", allowWatchBookmarks: "true" });
    const response = await this.connection.send({ method: "GET", path: target, signal });
    if (response.statusCode !== 200) {
      throw await this.refusal(response, `GET ${path}`);
    }
    let rest = "";
    response.setEncoding("utf8");
    try {
      for await (const chunk of response as AsyncIterable<string>) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          if (line !== "") {
            yield JSON.parse(line) as WatchEvent;
          }
        }
      }
    } finally {
      response.destroy();
    }
  }

  close(): void {
    this.connection.close();
  }

  private async attempt(request: ApiRequest, patience: Patience): Promise<Json> {
    const limit = new Deadline(patience.signal, this.settings.timeoutSeconds * 1_000);
    try {
      const response = await this.connection.send({
        method: request.method,
        path: withQuery(request.path, request.query ?? {}),
        ...(request.body === undefined
          ? {}
          : {
              body: JSON.stringify(request.body),
              headers: { "Content-Type": request.contentType ?? "application/json" },
            }),
        signal: limit.signal,
      });
      if (response.statusCode === undefined || response.statusCode >= 300) {
        throw await this.refusal(response, `${request.method} ${request.path}`);
      }
      for (const text of warnings(response)) {
        patience.onWarning?.(text);
      }
      return parse(await readBody(response));
    } catch (error) {
      throw this.translate(error, patience.signal, limit);
    } finally {
      limit.dispose();
    }
  }

  private async refusal(response: IncomingMessage, request: string): Promise<ApiError> {
    const body = parse(await readBody(response));
    const retryAfter = response.headers["retry-after"];
    return ApiError.from(response.statusCode ?? 0, body, request, retryAfter);
  }

  private translate(error: unknown, signal: AbortSignal, limit: Deadline): unknown {
    if (error instanceof ApiError || error instanceof UnreachableError || signal.aborted) {
      return error;
    }
    if (limit.expired) {
      const seconds = String(this.settings.timeoutSeconds);
      return new UnreachableError(
        this.connection.server,
        "ETIMEDOUT",
        `no answer within ${seconds} s`,
      );
    }
    return isSystemError(error) ? this.connection.unreachable(error) : error;
  }
}

/** How long to wait before the same request is worth another try; undefined when it is not. */
function retryPause(error: unknown, pause: number): number | undefined {
  if (error instanceof UnreachableError) {
    return isCertificateProblem(error.code) ? undefined : pause;
  }
  if (!(error instanceof ApiError)) {
    return undefined;
  }
  const asked = error.retryAfterSeconds === undefined ? pause : error.retryAfterSeconds * 1_000;
  const transient = [429, 502, 503, 504].includes(error.status);
  const admission =
    error.status === 500 && /failed calling webhook|etcdserver/.test(error.serverMessage);
  return transient || admission ? Math.max(asked, pause) : undefined;
}

/** A connection that broke while the body was read. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

/** A wrong certificate does not mend itself while we wait. */
function isCertificateProblem(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO/.test(code);
}

function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) {
      parameters.set(key, value);
    }
  }
  const text = parameters.toString();
  return text === "" ? path : `${path}?${text}`;
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse(body: string): Json | string {
  if (body === "") {
    return {};
  }
  try {
    return JSON.parse(body) as Json;
  } catch {
    return body;
  }
}

/** Texts of `Warning: 299 - "text"` headers. */
function warnings(response: IncomingMessage): string[] {
  const header = response.headers.warning;
  return header === undefined
    ? []
    : [...header.matchAll(/299 [^ ]+ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
        (match[1] ?? "").replace(/\\(.)/g, "$1"),
      );
}
