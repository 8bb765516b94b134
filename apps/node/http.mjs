// What the HTTP services of this project have in common. It runs in their containers as it stands here,
// on Node.js alone, from version 18 on.
import { createServer } from "node:http";
import { hostname } from "node:os";

/** An answer that is an error, with a sentence for whoever asked. */
export class HttpError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {Readonly<Record<string, string>>} [headers]
   */
  constructor(status, message, headers = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {string} type
 * @property {string | Buffer} body
 * @property {Readonly<Record<string, string>>} [headers]
 */

/** Name of the pod, which is its host's name too. */
export const podName = process.env.POD_NAME ?? hostname();

/**
 * The body of a request.
 * @param {import("node:http").IncomingMessage} request
 * @param {number} limit in bytes
 * @returns {Promise<Buffer>}
 * @throws {HttpError} 413 where it is larger
 */
export async function readBody(request, limit) {
  const tooLarge = new HttpError(413, `The body has more than ${limit} bytes.`);
  if (Number(request.headers["content-length"] ?? 0) > limit) throw tooLarge;
  /** @type {Buffer[]} */
  const chunks = [];
  let size = 0;
  for await (const part of /** @type {AsyncIterable<Buffer>} */ (request)) {
    size += part.length;
    if (size > limit) throw tooLarge;
    chunks.push(part);
  }
  return Buffer.concat(chunks);
}

/**
 * The text of a body.
 * @param {Buffer} body
 * @throws {HttpError} 415 where it is not UTF-8
 */
export function textOf(body) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new HttpError(415, "The body is not text in UTF-8.");
  }
}

/**
 * @param {number} status
 * @param {unknown} value
 * @returns {Answer}
 */
export function json(status, value) {
  return { status, type: "application/json", body: `${JSON.stringify(value)}\n` };
}

/**
 * A server that answers each request by `handle`, and errors as JSON. No connection is kept: a Service
 * chooses a pod for each connection, so that each request may reach another one.
 * @param {(request: import("node:http").IncomingMessage, path: string) => Promise<Answer>} handle
 */
export function httpServer(handle) {
  const server = createServer((request, response) => {
    const start = performance.now();
    void answer(request, handle).then(({ status, type, body, headers }) => {
      response.writeHead(status, {
        "content-type": type,
        "content-length": Buffer.byteLength(body),
        "x-content-type-options": "nosniff",
        connection: "close",
        ...headers,
      });
      response.end(request.method === "HEAD" ? undefined : body);
      if (request.url === "/healthz" || request.url === "/readyz") return;
      const { method, url } = request;
      log({ method, url, status, ms: Math.round(performance.now() - start) });
    });
  });
  // Whoever sends slowly must not hold a connection for ever.
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.maxConnections = 500;
  return server;
}

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {(request: import("node:http").IncomingMessage, path: string) => Promise<Answer>} handle
 * @returns {Promise<Answer>}
 */
async function answer(request, handle) {
  try {
    const [path = "/"] = (request.url ?? "/").split("?");
    if (path === "/healthz") return { status: 200, type: "text/plain", body: "ok\n" };
    return await handle(request, path);
  } catch (error) {
    if (error instanceof HttpError) {
      const { status, message, headers } = error;
      return { ...json(status, { error: message }), headers };
    }
    log({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    return json(500, { error: "The service failed; its log says why." });
  }
}

/**
 * Listens until it is told to end; then it ends the requests that it has, and takes no more.
 * @param {import("node:http").Server} server
 * @param {number} port
 */
export function runUntilTold(server, port) {
  server.listen(port, () => log({ listening: port, pod: podName }));
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.once(signal, () => {
      log({ ending: signal });
      server.close(() => process.exit(0));
      server.closeIdleConnections();
    });
  }
}

/** @param {Readonly<Record<string, unknown>>} entry */
export function log(entry) {
  process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`);
}
