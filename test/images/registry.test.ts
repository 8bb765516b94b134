import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";

import { buildImage } from "../../infra/images/build";
import type { ImageRecipe } from "../../infra/images/recipe";
import { locateTools } from "../../toolchain/resolve";
import { freshOptions, registryBase, startRegistry, textRecipe, unpackArchive } from "./support";

const HOUR_MS = 60 * 60_000;
let crane: string;

/** Such a fallback can't be had, so a build that succeeds did not need it. */
const NO_FALLBACK = {
  packages: { "drydock-no-such-package": ["x"] },
  versionPackage: "x",
  files: [],
};

beforeEach(async ({ skip }) => {
  const found = (await locateTools(["crane"])).get("crane");
  skip(found === undefined, "crane is neither on PATH nor in the tool cache");
  crane = found?.path ?? "";
});
afterEach(() => vi.useRealTimers());

describe("a base from a registry", () => {
  let options: ReturnType<typeof freshOptions> & { crane: string };

  async function setUp() {
    options = { ...freshOptions(), crane };
    const registry = await startRegistry(crane);
    const config = {
      user: "5",
      entrypoint: ["/base"],
      cmd: ["base"],
      env: { TEXT_VERSION: "4.2", KEPT: "1" },
    };
    const base = await buildImage(textRecipe("base", { config }), options);
    options.progress.length = 0;
    const { layout } = unpackArchive(base.archive);
    // Pushed as an index, as images for several platforms are.
    const { stdout } = await execa(crane, [
      "push",
      "--index",
      layout,
      `${registry.address}/text/base:1`,
    ]);
    const index = /sha256:[0-9a-f]{64}/.exec(stdout)?.[0] ?? "";
    return { ...registry, base, pinned: `${registry.address}/text/base:1@${index}` };
  }

  const onTop = (reference: string, text = "top"): ImageRecipe => ({
    ...textRecipe(text, {
      base: registryBase(reference, { fallback: NO_FALLBACK }),
      config: { entrypoint: ["/top"], env: { ADDED: "2" } },
    }),
    name: "drydock/top",
  });

  it("lies below the recipe's layers, and its configuration below the recipe's", async () => {
    const { pinned, base } = await setUp();
    const built = await buildImage(onTop(pinned), options);
    expect(built).toMatchObject({ base: "registry", baseName: pinned });
    const lower = unpackArchive(base.archive);
    const { manifest, config } = unpackArchive(built.archive);
    expect(manifest.layers).toHaveLength(2);
    expect(manifest.layers[0]).toEqual(lower.manifest.layers[0]);
    expect(config.rootfs.diff_ids[0]).toBe(lower.config.rootfs.diff_ids[0]);
    expect(config.history.map((one) => one.created_by)).toEqual(["drydock: text", "drydock: text"]);
    expect(config.config).toMatchObject({
      User: "5",
      Entrypoint: ["/top"],
      Env: ["TEXT_VERSION=4.2", "KEPT=1", "ADDED=2"],
    });
    // The base's arguments are for the base's entrypoint.
    expect(config.config).not.toHaveProperty("Cmd");
    expect(config.config.Labels).toEqual({
      "org.opencontainers.image.title": "text",
      "org.opencontainers.image.description": "For tests.",
      "org.opencontainers.image.version": "4.2",
      "org.opencontainers.image.base.name": pinned,
      "org.opencontainers.image.base.digest": base.digest,
    });
  });

  it("is kept for good where it is pinned by digest", async () => {
    const { pinned, stop } = await setUp();
    await buildImage(onTop(pinned), options);
    await stop();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 1000 * HOUR_MS });
    options.progress.length = 0;
    const built = await buildImage(onTop(pinned, "changed"), options);
    expect(built.base).toBe("registry");
    expect(options.progress).toEqual([`building drydock/top on ${pinned}`]);
  });

  it("is asked for anew after hours where only a tag names it, and kept if that fails", async () => {
    const { address, stop } = await setUp();
    const tag = `${address}/text/base:1`;
    await buildImage(onTop(tag), options);
    options.progress.length = 0;
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 13 * HOUR_MS });
    await buildImage(onTop(tag, "changed"), options);
    expect(options.progress).toContain(`pulling ${tag}`);
    await stop();
    vi.setSystemTime(Date.now() + 13 * HOUR_MS);
    const built = await buildImage(onTop(tag, "changed again"), options);
    expect(built.base).toBe("registry");
    expect(options.progress).toContain(`keeping the base of an earlier build: ${tag}`);
  });

  it("is not taken where the digest is another", async () => {
    const { address } = await setUp();
    const wrong = `${address}/text/base:1@sha256:${"0".repeat(64)}`;
    await expect(buildImage(onTop(wrong), options)).rejects.toThrow("drydock-no-such-package");
    expect(options.progress[0]).toMatch(/^registry not usable \(.*\): assembling from Debian/);
  });
});

describe("a registry that does not answer", () => {
  it("is waited for a few seconds, once", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void silent.close());
    await once(silent, "listening");
    let calls = 0;
    silent.on("connection", (socket) => {
      calls += 1;
      onTestFinished(() => void socket.destroy());
    });
    const { port } = silent.address() as AddressInfo;
    const recipe = (text: string) =>
      textRecipe(text, { base: registryBase(`127.0.0.1:${port}/silent`) });
    const options = { ...freshOptions(), crane };
    const began = performance.now();
    const built = await buildImage(recipe("a"), options);
    expect(performance.now() - began).toBeLessThan(60_000);
    expect(built.base).toBe("debian");
    expect(options.progress[0]).toBe(
      "registry not usable (no answer within 5 s): assembling from Debian packages",
    );
    const callsBefore = calls;
    expect(callsBefore).toBeGreaterThan(0);
    expect((await buildImage(recipe("b"), options)).base).toBe("debian");
    expect(calls).toBe(callsBefore);
  });
});
