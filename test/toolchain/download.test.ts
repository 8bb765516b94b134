import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

import {
  resolveTools,
  ToolError,
  type Progress,
  type ResolveOptions,
} from "../../toolchain/resolve";
import { currentPlatform } from "../../toolchain/release";
import {
  archive,
  bareRelease,
  closedAddress,
  script,
  sendFile,
  sendTruncated,
  serve,
  LONG_LIMITS,
  temporaryFolder,
  testTool,
  type TestServer,
} from "./support";
import { eventually } from "../support/eventually";

const ROOT = process.platform === "linux" && process.getuid?.() === 0;
const CONTENT = script("1.2.3", 50_000);
const RELEASE = bareRelease({ content: CONTENT });
const ENTRY = `tools/etcd-1.2.3-${currentPlatform()}`;

/** No Go on PATH: what cannot be downloaded cannot be had. */
function options(server: TestServer | string, more: ResolveOptions = {}): ResolveOptions {
  return {
    env: { PATH: "/nonexistent" },
    mirror: typeof server === "string" ? server : server.url,
    cacheDirectory: join(temporaryFolder(), "cache"),
    limits: LONG_LIMITS,
    releases: [RELEASE],
    ...more,
  };
}

const bytesBelow = (folder: string): number =>
  existsSync(folder)
    ? readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0)
    : 0;

async function failure(work: Promise<unknown>): Promise<ToolError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ToolError);
  return error as ToolError;
}

describe("an official release", () => {
  it("is fetched once, checked, made executable and found in the cache from then on", async () => {
    const server = await serve((request, response) => sendFile(request, response, CONTENT));
    const given = options(server);

    const first = (await resolveTools(["etcd"], given)).get("etcd");
    const second = (await resolveTools(["etcd"], given)).get("etcd");

    const path = join(given.cacheDirectory ?? "", ENTRY, "etcd");
    expect(first).toEqual({ path, version: "1.2.3", source: "download" });
    expect(second).toEqual({ path, version: "1.2.3", source: "cache", origin: "download" });
    expect(execFileSync(path, ["--version"], { encoding: "utf8" })).toBe("tool version 1.2.3\n");
    expect(server.gets().map((request) => request.path)).toEqual([
      `/releases.example/etcd/1.2.3/etcd-${process.platform}-${process.arch === "x64" ? "amd64" : "arm64"}`,
    ]);
    expect(readdirSync(join(given.cacheDirectory ?? "", "downloads"))).toEqual([]);
    expect(readdirSync(join(given.cacheDirectory ?? "", "stage"))).toEqual([]);
  });

  it("gives several tools and what belongs beside them out of one archive", async () => {
    const content = await archive({
      "v1/bin/containerd": script("2.0.0"),
      "v1/bin/ctr": script("2.0.0"),
      "v1/bin/helper": "helper",
      "v1/bin/unwanted": "unwanted",
    });
    const server = await serve((request, response) => sendFile(request, response, content));
    const release = bareRelease({
      name: "containerd",
      version: "2.0.0",
      content,
      overrides: {
        tools: [
          testTool("containerd", "x", "v1/bin/containerd"),
          testTool("ctr", "x", "./v1/bin/ctr"),
        ],
        companions: ["v1/bin/helper", "v1/bin/absent"],
      },
    });
    const tools = await resolveTools(
      ["containerd", "ctr"],
      options(server, { releases: [release] }),
    );

    const folder = join(tools.get("ctr")?.path ?? "", "..");
    expect(readdirSync(folder).sort()).toEqual(["containerd", "ctr", "helper", "origin.json"]);
    expect(server.gets()).toHaveLength(1);
  });

  it("names the member that an archive lacks", async () => {
    const content = await archive({ other: script("1.2.3") });
    const server = await serve((request, response) => sendFile(request, response, content));
    const tools = [testTool("etcd", "x", "bin/etcd")];
    const release = bareRelease({ content, overrides: { tools } });
    const given = options(server, { releases: [release] });

    const error = await failure(resolveTools(["etcd"], given));
    expect(error.message).toContain("etcd 1.2.3: the archive does not hold bin/etcd");
    expect(existsSync(join(given.cacheDirectory ?? "", ENTRY))).toBe(false);
  });

  it("is refused when it says another version, or does not run", async () => {
    const wrong = script("9.9.9");
    const broken = "\u0000not a program";
    for (const [content, message] of [
      [wrong, "etcd 1.2.3: etcd says it is version 9.9.9"],
      [broken, "etcd 1.2.3: etcd does not run here"],
    ] as const) {
      const server = await serve((request, response) => sendFile(request, response, content));
      const releases = [bareRelease({ content })];
      const error = await failure(resolveTools(["etcd"], options(server, { releases })));
      expect(error.message).toContain(message);
    }
  });

  it("is made anew when the cache's file was damaged", async () => {
    const server = await serve((request, response) => sendFile(request, response, CONTENT));
    const given = options(server);
    const path = (await resolveTools(["etcd"], given)).get("etcd")?.path ?? "";
    writeFileSync(path, CONTENT.slice(0, 100));

    expect((await resolveTools(["etcd"], given)).get("etcd")?.source).toBe("download");
    expect(readFileSync(path, "utf8")).toBe(CONTENT);
  });
});

describe("a broken transfer", () => {
  it("is continued where it stopped", async () => {
    const server = await serve((request, response, get) =>
      get === 0 ? sendTruncated(response, CONTENT, 20_000) : sendFile(request, response, CONTENT),
    );
    const tools = await resolveTools(["etcd"], options(server));

    expect(tools.get("etcd")?.source).toBe("download");
    expect(server.gets().map(({ range }) => range)).toEqual([undefined, "bytes=20000-"]);
  });

  it("starts again where the server knows no ranges", async () => {
    const server = await serve((_request, response, get) => {
      if (get === 0) sendTruncated(response, CONTENT, 20_000);
      else response.writeHead(200).end(CONTENT);
    });
    expect((await resolveTools(["etcd"], options(server))).get("etcd")?.source).toBe("download");
  });

  it("is given up when nothing more comes, and says how far it came", async () => {
    const server = await serve((_request, response) => sendTruncated(response, CONTENT, 0));
    const error = await failure(resolveTools(["etcd"], options(server)));

    expect(error.message).toContain("etcd 1.2.3 could not be downloaded");
    expect(error.message).toContain("Go is needed to build the tools, and is not on PATH");
    expect(server.gets()).toHaveLength(3);
  });

  it("is noticed by silence", async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { "content-length": CONTENT.length });
      response.write(CONTENT.slice(0, 10));
    });
    const limits = { ...LONG_LIMITS, stall: 300 };
    const error = await failure(resolveTools(["etcd"], options(server, { limits })));

    expect(error.message).toMatch(/could not be downloaded: .*timeout/i);
  });

  it("does not take over what an earlier run left damaged", async () => {
    const server = await serve((request, response) => sendFile(request, response, CONTENT));
    const given = options(server);
    const folder = join(given.cacheDirectory ?? "", "downloads");
    mkdirSync(folder, { recursive: true });
    const hash = RELEASE.sha256[currentPlatform()] ?? "";
    for (const left of ["garbage", CONTENT + "more"]) {
      writeFileSync(join(folder, `etcd-${hash.slice(0, 16)}.part`), left);
      expect((await resolveTools(["etcd"], given)).get("etcd")?.version).toBe("1.2.3");
      writeFileSync(join(given.cacheDirectory ?? "", ENTRY, "etcd"), "damaged");
    }
  });

  it("can be interrupted, and goes on in the next run", async () => {
    const stop = new AbortController();
    const server = await serve((request, response, get) => {
      if (get > 0) {
        sendFile(request, response, CONTENT);
        return;
      }
      response.writeHead(200, { "content-length": CONTENT.length });
      response.write(CONTENT.slice(0, 30_000));
    });
    const given = options(server);

    const interrupted = resolveTools(["etcd"], { ...given, signal: stop.signal });
    const outcome = expect(interrupted).rejects.toThrow("SIGINT");
    await eventually(() => bytesBelow(join(given.cacheDirectory ?? "", "downloads")) === 30_000);
    stop.abort(new Error("SIGINT"));
    await outcome;
    expect(existsSync(join(given.cacheDirectory ?? "", ENTRY))).toBe(false);
    expect((await resolveTools(["etcd"], given)).get("etcd")?.source).toBe("download");
    expect(server.gets()[1]?.range).toBe("bytes=30000-");
  });
});

describe("a wrong checksum", () => {
  it("is refused by name, kept nowhere, and not replaced by a build", async () => {
    const server = await serve((request, response) => sendFile(request, response, "tampered"));
    const given = options(server);
    const error = await failure(resolveTools(["etcd"], given));

    expect(error.details.what).toBe("etcd 1.2.3: wrong checksum, the file is refused");
    expect(error.details.why).toContain(RELEASE.sha256[currentPlatform()]);
    expect(error.message).not.toContain("Go is needed");
    expect(readdirSync(join(given.cacheDirectory ?? "", "downloads"))).toEqual([]);
    expect(existsSync(join(given.cacheDirectory ?? "", ENTRY))).toBe(false);
  });
});

describe("a server that does not have the file", () => {
  it.each([404, 403, 410])("HTTP %i is not repeated", async (status) => {
    const server = await serve((_request, response) => response.writeHead(status).end());
    const error = await failure(resolveTools(["etcd"], options(server)));

    expect(error.message).toContain(`HTTP ${status}`);
    expect(server.gets()).toHaveLength(1);
  });

  it("is asked again after HTTP 503", async () => {
    const server = await serve((request, response, get) =>
      get === 0 ? response.writeHead(503).end() : sendFile(request, response, CONTENT),
    );
    expect((await resolveTools(["etcd"], options(server))).get("etcd")?.source).toBe("download");
  });

  it("that hangs is asked once in a run, however many tools it should serve", async () => {
    const server = await serve(() => undefined, { hang: true });
    const releases = (["etcd", "crane", "runc"] as const).map((name) =>
      bareRelease({ name, content: CONTENT }),
    );
    const limits = { ...LONG_LIMITS, answer: 400 };
    const given = options(server, { releases, limits });
    const error = await failure(resolveTools(["etcd", "crane", "runc"], given));

    expect(error.message).toContain("no answer within 0.4 s");
    expect(server.requests).toHaveLength(1);
  });

  it("that is not there is told with its reason", async () => {
    const error = await failure(resolveTools(["etcd"], options(await closedAddress())));
    expect(error.message).toContain("etcd 1.2.3 could not be downloaded: 127.0.0.1:");
    expect(error.message).toContain("ECONNREFUSED");
  });

  it("is not asked when downloads are off", async () => {
    const server = await serve(() => undefined);
    const given = options(server, { env: { PATH: "/nonexistent", DRYDOCK_DOWNLOADS: "off" } });
    const error = await failure(resolveTools(["etcd"], given));
    expect(error.message).toContain("DRYDOCK_DOWNLOADS is off");
    expect(server.requests).toHaveLength(0);
  });
});

describe("two runs at once", () => {
  it("fetch a tool once; the second waits and says so", async () => {
    const server = await serve((request, response) =>
      setTimeout(() => sendFile(request, response, CONTENT), 300),
    );
    const given = options(server);
    const told: Progress[] = [];
    const onProgress = (progress: Progress) => void told.push(progress);
    const [first, second] = await Promise.all([
      resolveTools(["etcd"], { ...given, onProgress }),
      resolveTools(["etcd"], { ...given, onProgress }),
    ]);

    const sources = [first.get("etcd")?.source, second.get("etcd")?.source].sort();
    expect(sources).toEqual(["cache", "download"]);
    expect(server.gets()).toHaveLength(1);
    const text = "etcd 1.2.3: another drydock is fetching it, waiting";
    expect(told).toContainEqual({ kind: "status", group: "etcd", text });
  });
});

describe("a cache that cannot be used", () => {
  const mount = (folder: string, flags: string) => {
    mkdirSync(folder, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", flags, "tmpfs", folder]);
    onTestFinished(() => void execFileSync("umount", ["--lazy", folder]));
  };
  const given = async (cacheDirectory: string, content = CONTENT) => {
    const server = await serve((request, response) => sendFile(request, response, content));
    return options(server, { cacheDirectory, releases: [bareRelease({ content })] });
  };

  it("is a file", async () => {
    const path = join(temporaryFolder(), "cache");
    writeFileSync(path, "");
    const error = await failure(resolveTools(["etcd"], await given(path)));
    expect(error.details.what).toBe("the tool cache cannot be written");
    expect(error.details.where).toContain(path);
    expect(error.details.fix).toContain("XDG_CACHE_HOME");
  });

  it("is read-only", async () => {
    const path = temporaryFolder();
    if (ROOT) mount(path, "ro");
    else chmodSync(path, 0o500);
    const error = await failure(resolveTools(["etcd"], await given(path)));
    expect(error.details.what).toBe("the tool cache cannot be written");
  });

  it.runIf(ROOT)("is full", async () => {
    const path = temporaryFolder();
    mount(path, "size=1m");
    const large = script("1.2.3", 3_000_000);
    const error = await failure(resolveTools(["etcd"], await given(path, large)));
    expect(error.details.what).toBe("no space left on the disk");
    expect(error.details.where).toBe(path);
    expect(readdirSync(join(path, "stage"))).toEqual([]);
    expect(readdirSync(join(path, "downloads"))).toEqual([]);
  });

  it.runIf(ROOT)("runs no programs", async () => {
    const path = temporaryFolder();
    mount(path, "size=4m,noexec");
    const error = await failure(resolveTools(["etcd"], await given(path)));
    expect(error.message).toContain("etcd 1.2.3: etcd does not run here");
    expect(error.details.fix).toContain("noexec");
  });
});
