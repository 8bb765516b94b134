import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { create } from "tar";
import { onTestFinished } from "vitest";

import type { Limits } from "../../toolchain/download";
import type { Release, ToolName } from "../../toolchain/release";

/** For a server that answers, also on a busy machine; a test of silence sets its own. */
export const LONG_LIMITS: Limits = { answer: 60_000, stall: 60_000, pause: 10 };

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "drydock-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writeExecutable(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

/** A program that prints its version; padded, so that a transfer has something to break off. */
export const script = (version: string, padding = 0): string =>
  `#!/bin/sh\necho "tool version ${version}"\nexit 0\n${"#".repeat(padding)}\n`;

export const sha256 = (content: Buffer | string): string =>
  createHash("sha256").update(content).digest("hex");

interface ReleaseOptions {
  readonly name?: ToolName;
  readonly version?: string;
  readonly content: Buffer | string;
  readonly overrides?: Partial<Release>;
}

/** A release of one tool as a bare executable, whose pinned hash is that of `content`. */
export function bareRelease({
  name = "etcd",
  version = "1.2.3",
  content,
  overrides = {},
}: ReleaseOptions): Release {
  const hash = sha256(content);
  return {
    name,
    version,
    fit: "atLeast",
    url: `https://releases.example/${name}/{version}/${name}-{os}-{arch}`,
    sha256: {
      "linux-x64": hash,
      "linux-arm64": hash,
      "darwin-x64": hash,
      "darwin-arm64": hash,
    },
    recipe: "etcd",
    tools: [testTool(name, name)],
    ...overrides,
  };
}

export const testTool = (name: ToolName, goPackage: string, member?: string) => ({
  name,
  probe: { args: ["--version"], pattern: /version v?(\d+\.\d+\.\d+)/ },
  package: goPackage,
  ...(member === undefined ? {} : { member }),
});

/** A .tar.gz of the given files, as bytes. */
export async function archive(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), "drydock-test-"));
  try {
    for (const [path, text] of Object.entries(files)) writeExecutable(join(folder, path), text);
    const chunks: Buffer[] = [];
    const stream = create({ cwd: folder, gzip: true }, Object.keys(files));
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
}

export interface TestServer {
  /** For the option `mirror`. */
  readonly url: string;
  readonly requests: readonly Request[];
  /** Only the transfers, without the questions whether the host answers. */
  readonly gets: () => readonly Request[];
}

export type Handler = (request: IncomingMessage, response: ServerResponse, get: number) => void;

/** An HTTP server on loopback. The handler sees GETs and gets their number from 0; HEAD is answered 200. */
export async function serve(
  handler: Handler,
  options: { readonly hang?: boolean } = {},
): Promise<TestServer> {
  const requests: Request[] = [];
  const gets = () => requests.filter(({ method }) => method === "GET");
  const server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    requests.push({ method, path: url, range: headers.range });
    if (options.hang === true) return;
    if (method === "HEAD") response.end();
    else handler(request, response, gets().length - 1);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests, gets };
}

/** An address of this machine at which nothing listens. */
export async function closedAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

/** Serves one content, honouring Range. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer | string,
): void {
  const body = Buffer.from(content);
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (from > 0 && from >= body.length) {
    response.writeHead(416).end();
    return;
  }
  response.writeHead(from > 0 ? 206 : 200, { "content-length": body.length - from });
  response.end(body.subarray(from));
}

/** Promises the whole content and breaks the connection after `bytes`. */
export function sendTruncated(
  response: ServerResponse,
  content: Buffer | string,
  bytes: number,
): void {
  const body = Buffer.from(content);
  response.writeHead(200, { "content-length": body.length });
  response.write(body.subarray(0, bytes), () => setTimeout(() => response.destroy(), 20));
}
