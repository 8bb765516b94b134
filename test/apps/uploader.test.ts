import { createServer } from "node:http";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { renderer } from "../../apps/renderer/image/server.mjs";
import { journalServer, Shipper } from "../../apps/uploader/image/journal.mjs";
import { Store } from "../../apps/uploader/image/store.mjs";
import { uploader } from "../../apps/uploader/image/server.mjs";
import { ask, listening } from "./support/listening";

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "drydock-uploader-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

async function running(rendererUrl?: string) {
  const directory = temporaryDirectory();
  const pages = rendererUrl ?? (await listening(renderer()));
  const journalDirectory = temporaryDirectory();
  const shipper = new Shipper(journalDirectory);
  const sidecarUrl = await listening(journalServer(shipper));
  const server = uploader({ directory, journalDirectory, rendererUrl: pages, sidecarUrl });
  return { directory, shipper, url: await listening(server) };
}

const put = (body: string) => ({ method: "PUT", body });

describe("the uploader", () => {
  it("stores a text, has its page made, and gives both back", async () => {
    const { directory, url } = await running();
    const first = await ask(`${url}/files/note.md`, put("# Hi"));
    expect(first.status).toBe(201);
    expect(JSON.parse(first.text)).toMatchObject({
      name: "note.md",
      bytes: 4,
      page: "/pages/note.md",
    });
    expect((JSON.parse(first.text) as { renderedBy: string }).renderedBy).toMatch(/\S/);
    expect((await ask(`${url}/files/note.md`, { method: "POST", body: "# Ho" })).status).toBe(200);
    expect((await ask(`${url}/files/note.md`)).text).toBe("# Ho");
    const page = await ask(`${url}/pages/note.md`);
    expect(page.text).toContain("<h1>Ho</h1>");
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(JSON.parse((await ask(`${url}/files`)).text)).toEqual({ files: ["note.md"] });
    expect(readdirSync(join(directory, "files"))).toEqual(["note.md"]);
    expect((await ask(`${url}/readyz`)).status).toBe(200);
  });

  it.each([
    ["/files/..%2f..%2fetc.md", 400],
    ["/files/.hidden.md", 400],
    ["/files/a.exe", 400],
    [`/files/${"a".repeat(97)}.md`, 400],
    ["/files/a%00.md", 400],
    ["/files/../../etc.md", 404],
    ["/files/a/b.md", 404],
    ["/other/a.md", 404],
    ["/", 404],
  ])("stores nothing at %s", async (path, status) => {
    const { directory, url } = await running();
    expect(await rawPut(url, path)).toBe(status);
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each([
    ["PUT", "/files/big.md", "x".repeat(256 * 1024 + 1), 413],
    ["PUT", "/files/bytes.md", new Uint8Array([0xff]), 415],
    ["DELETE", "/files/a.md", undefined, 405],
    ["PUT", "/pages/a.md", "x", 405],
    ["PUT", "/files", "x", 405],
    ["GET", "/files/none.md", undefined, 404],
    ["GET", "/pages/none.md", undefined, 404],
  ])("answers %s %s as it should", async (method, path, body, status) => {
    const { url } = await running();
    const answer = await ask(`${url}${path}`, { method, ...(body !== undefined && { body }) });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toEqual({ error: expect.stringMatching(/\.$/) as string });
  });

  it("keeps a text whose page cannot be made, and says so", async () => {
    const broken = await listening(
      createServer((_, response) => {
        response.statusCode = 500;
        response.end();
      }),
    );
    for (const [rendererUrl, error] of [
      [broken, /stored; the renderer said 500/],
      ["http://127.0.0.1:9", /stored; the renderer does not answer/],
    ] as const) {
      const { directory, url } = await running(rendererUrl);
      const answer = await ask(`${url}/files/a.md`, put("text"));
      expect(answer.status).toBe(502);
      expect(answer.text).toMatch(error);
      expect(readFileSync(join(directory, "files", "a.md"), "utf8")).toBe("text");
    }
  });

  it("asks again where a connection broke, because rendering changes nothing", async () => {
    let calls = 0;
    const flaky = await listening(
      createServer((incoming, response) => {
        calls += 1;
        if (calls < 3) incoming.socket.destroy();
        else response.writeHead(200, { "x-rendered-by": "third" }).end("<p>page</p>");
      }),
    );
    const { url } = await running(flaky);
    const answer = await ask(`${url}/files/a.md`, put("text"));
    expect(JSON.parse(answer.text)).toMatchObject({ renderedBy: "third" });
    expect(calls).toBe(3);
  });
});

describe("the uploader with a token", () => {
  async function secured(text?: string) {
    const directory = temporaryDirectory();
    const tokenFile = join(temporaryDirectory(), "token");
    if (text !== undefined) writeFileSync(tokenFile, text);
    const rendererUrl = await listening(renderer());
    const journalDirectory = temporaryDirectory();
    const server = uploader({ directory, journalDirectory, rendererUrl, tokenFile });
    const url = await listening(server);
    const store = (authorization?: string) =>
      ask(`${url}/files/a.md`, {
        ...put("text"),
        ...(authorization !== undefined && { headers: { authorization } }),
      });
    return { directory, tokenFile, url, store };
  }

  it("lets those store who show it, and everybody read", async () => {
    const { store, url } = await secured("canary-5e1d\n");
    expect((await store("Bearer canary-5e1d")).status).toBe(201);
    expect((await store("bearer canary-5e1d")).status).toBe(200);
    expect((await ask(`${url}/files/a.md`)).text).toBe("text");
  });

  it.each([undefined, "Bearer", "Bearer canary-5e1", "Bearer canary-5e1dd", "Basic canary-5e1d"])(
    "stores nothing for %j",
    async (authorization) => {
      const { store, directory } = await secured("canary-5e1d");
      const answer = await store(authorization);
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      expect(answer.text).not.toContain("canary");
      expect(readdirSync(directory)).toEqual([]);
    },
  );

  it("takes up another value without a restart", async () => {
    const { store, tokenFile } = await secured("first");
    writeFileSync(tokenFile, "second");
    expect((await store("Bearer first")).status).toBe(401);
    expect((await store("Bearer second")).status).toBe(201);
  });

  it.each([
    ["is not there", undefined],
    ["is empty", "\n"],
  ])("lets nobody store where it %s", async (_, text) => {
    const { store, directory } = await secured(text);
    for (const authorization of [undefined, "Bearer", "Bearer x"]) {
      expect((await store(authorization)).status).toBe(503);
    }
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("the sidecar of the uploader", () => {
  it("ships each upload once, and says how many there were", async () => {
    const { shipper, url } = await running();
    const lines: string[] = [];
    const ship = () => shipper.ship((line) => lines.push(line));
    await ship();
    for (const name of ["a.md", "b.md"]) await ask(`${url}/files/${name}`, put("text"));
    await ship();
    await ask(`${url}/files/c.md`, put("text"));
    for (let round = 0; round < 3; round += 1) await ship();
    const uploaded = lines.map((line) => (JSON.parse(line) as { uploaded: string }).uploaded);
    expect(uploaded).toEqual(["a.md", "b.md", "c.md"]);
    expect(JSON.parse((await ask(`${url}/uploads`)).text)).toEqual({ shipped: 3 });
  });
});

describe("the store", () => {
  it("takes no more files than it may, and still another content", async () => {
    const store = new Store(temporaryDirectory(), 2);
    const data = Buffer.from("x");
    expect(await store.put("a.md", data)).toBe(true);
    expect(await store.put("b.md", data)).toBe(true);
    await expect(store.put("c.md", data)).rejects.toThrow("There are 2 files, which is the most.");
    expect(await store.put("a.md", data)).toBe(false);
    expect(await store.list()).toEqual(["a.md", "b.md"]);
  });

  it("leaves no half of a file where many write one", async () => {
    const directory = temporaryDirectory();
    const store = new Store(directory, 5);
    const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(10_000));
    await Promise.all(texts.map((text) => store.put("a.md", Buffer.from(text))));
    expect(texts).toContain((await store.get("a.md")).toString());
    expect(readdirSync(join(directory, "files"))).toEqual(["a.md"]);
  });
});

/** The path as it stands: fetch would resolve it first. */
function rawPut(url: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    request({ hostname, port, path, method: "PUT", agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end("text");
  });
}
