import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { onTestFinished } from "vitest";

import { Api } from "../../../infra/local/runtime/api";
import { CertificateAuthority } from "../../../infra/local/runtime/pki";
import { temporaryFolder } from "../../toolchain/support";
import { writeAuthority } from "./authority";
import { stopServer } from "./services";

/** Status and body. */
export type Answer = readonly [number, object];

/** `body` is the parsed one; undefined where there is none. */
export type Answering = (method: string, url: URL, body: unknown) => Answer;

/** A server in the place of an API server until the test ends, a client of it, and what it was asked. */
export async function serveApi(answer: Answering) {
  const folder = temporaryFolder();
  await writeAuthority(folder);
  const issuer = await CertificateAuthority.load(folder);
  await issuer.issue(join(folder, "me"), { commonName: "me", addresses: ["127.0.0.1"] });
  const [authority = "", certificate = "", key = ""] = ["ca.crt", "me.crt", "me.key"].map((name) =>
    readFileSync(join(folder, name), "utf8"),
  );
  const asked: string[] = [];
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const { method = "", url: path = "" } = request;
    asked.push(`${method} ${path}`);
    void text(request).then((sent) => {
      const url = new URL(path, "https://127.0.0.1");
      const [status, body] = answer(method, url, sent === "" ? undefined : JSON.parse(sent));
      response.writeHead(status).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const api = new Api({
    server: `https://127.0.0.1:${String(port)}`,
    ...{ authority, certificate, key },
  });
  onTestFinished(async () => {
    api.close();
    await stopServer(server);
  });
  return { api, asked };
}
