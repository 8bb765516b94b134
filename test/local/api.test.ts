import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { Api, ApiError } from "../../infra/local/runtime/api";
import { CertificateAuthority } from "../../infra/local/runtime/pki";
import { temporaryFolder } from "../toolchain/support";
import { writeAuthority } from "./support/authority";
import { stopServer } from "./support/services";

/** What an API server says whose cache of a kind is not filled yet. */
const INITIALIZING = [429, { message: "storage is (re)initializing" }] as const;

/** A server that gives the answers one after the other, a client of it, and what it was asked. */
async function serve(...answers: (readonly [number, object])[]) {
  const folder = temporaryFolder();
  await writeAuthority(folder);
  const issuer = await CertificateAuthority.load(folder);
  await issuer.issue(join(folder, "me"), { commonName: "me", addresses: ["127.0.0.1"] });
  const [authority = "", certificate = "", key = ""] = ["ca.crt", "me.crt", "me.key"].map((name) =>
    readFileSync(join(folder, name), "utf8"),
  );
  const asked: string[] = [];
  const server = createServer({ cert: certificate, key }, (request, response) => {
    asked.push(`${request.method ?? ""} ${request.url ?? ""}`);
    const [status, body] = answers.shift() ?? [500, {}];
    response.writeHead(status).end(JSON.stringify(body));
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

describe("a call of the runtime to the API server", () => {
  it("is made again where the server puts it off, which has only just started", async () => {
    const made = [200, { metadata: { name: "web" } }] as const;
    const { api, asked } = await serve(INITIALIZING, INITIALIZING, made);
    const node = await api.call("POST", "/api/v1/nodes", { metadata: { name: "web" } });
    expect(node.metadata.name).toBe("web");
    expect(asked).toEqual(Array(3).fill("POST /api/v1/nodes"));
  });

  it("fails at once with what any other answer says", async () => {
    const { api, asked } = await serve([409, { message: "it exists" }]);
    const refused = api.call("POST", "/api/v1/nodes", {});
    await expect(refused).rejects.toEqual(new ApiError(409, "it exists"));
    expect(asked).toHaveLength(1);
  });
});
