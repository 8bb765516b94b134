import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { execa } from "execa";
import { describe, expect, inject, it, onTestFinished } from "vitest";

import { attachSbom } from "../../infra/images/attach";
import { buildImage } from "../../infra/images/build";
import { isPublished, publishImage, tagImage } from "../../infra/images/publish";
import type { ImageRecipe, LayerEntry } from "../../infra/images/recipe";
import { verifyImage } from "../../infra/images/verify";
import { hasManifest, placeLayer } from "../../infra/local/runtime/registry-storage";
import { report } from "../integration/support/report";
import { eventually } from "../support/eventually";
import { privatePort } from "../support/ports";
import { freshOptions, temporaryDirectory, textRecipe } from "./support";

const ROOT = path.join(__dirname, "..", "..");
const crane = path.join(inject("binaries"), "crane");
const options = { crane: { file: crane, args: [] } };

/** The registry of local clusters, behind a proxy that counts what is uploaded. */
async function countedRegistry({ referrers = false } = {}) {
  const folder = temporaryDirectory();
  const port = await privatePort();
  const config = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: folder } },
    http: { addr: `127.0.0.1:${port}` },
  };
  writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));
  const server = spawn(
    path.join(inject("binaries"), "registry"),
    ["serve", path.join(folder, "config.json")],
    { stdio: "ignore", env: { OTEL_TRACES_EXPORTER: "none" } },
  );
  const uploads = { blobs: 0, bytes: 0 };
  const proxy = createServer((incoming, outgoing) => {
    const { method = "GET", url = "/", headers } = incoming;
    if (referrers && url.includes("/referrers/")) {
      const type = "application/vnd.oci.image.index.v1+json";
      outgoing.writeHead(200, { "content-type": type });
      outgoing.end(JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: [] }));
      return;
    }
    if (url.includes("/blobs/uploads/")) {
      if (method === "POST") uploads.blobs += 1;
      incoming.on("data", (chunk: Buffer) => (uploads.bytes += chunk.length));
    }
    incoming.pipe(
      request({ host: "127.0.0.1", port, method, path: url, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(outgoing);
      }),
    );
  }).listen(0, "127.0.0.1");
  onTestFinished(async () => {
    proxy.close();
    if (server.exitCode === null && server.kill()) await once(server, "exit");
  });
  const answers = () => fetch(`http://127.0.0.1:${port}/v2/`).then(({ ok }) => ok);
  await eventually(() => answers().catch(() => false));
  return { registry: `127.0.0.1:${(proxy.address() as AddressInfo).port}/me`, uploads, folder };
}

/** A large layer that stays, and a small one with the code. */
function appRecipe(code: string): ImageRecipe {
  const layer = (name: string, text: string) => {
    const entries: LayerEntry[] = [{ kind: "text", path: name, text }];
    return { name, entries };
  };
  return textRecipe("", { layers: [layer("runtime", "r".repeat(5_000_000)), layer("code", code)] });
}

const crane$ = async (...args: string[]) => (await execa(crane, args)).stdout;

describe("a push", () => {
  it("sends all blobs once, nothing again, and of changed code the small layer only", async () => {
    const { registry, uploads } = await countedRegistry();
    const build = (code: string) => buildImage(appRecipe(code), { ...freshOptions(), registry });
    const taken = () => {
      const seen = { ...uploads };
      Object.assign(uploads, { blobs: 0, bytes: 0 });
      return seen;
    };
    const first = await build("one");
    const pushed = await publishImage(first, options);
    expect(pushed.blobs.present.count).toBe(0);
    expect(taken()).toEqual({ blobs: 3, bytes: pushed.blobs.sent.bytes });

    const again = await publishImage(first, options);
    expect(again.blobs.sent).toEqual({ count: 0, bytes: 0 });
    expect(taken()).toEqual({ blobs: 0, bytes: 0 });

    const second = await build("two");
    const change = await publishImage(second, options);
    // The layer and the configuration that names it.
    expect(change.blobs.sent.count).toBe(2);
    expect(change.blobs.sent.bytes).toBeLessThan(5_000);
    expect(taken()).toEqual({ blobs: 2, bytes: change.blobs.sent.bytes });
    report(
      `pushed ${pushed.blobs.sent.bytes} bytes, after a change of the code ${change.blobs.sent.bytes}`,
    );
    expect(await crane$("digest", first.reference)).toBe(first.digest);
    expect(await crane$("digest", `${registry}/drydock/text:${change.tag}`)).toBe(second.digest);
  });

  it("finds the layers that were put into the registry's own folder, without a copy of any", async () => {
    const { registry, uploads, folder } = await countedRegistry();
    const image = await buildImage(appRecipe("one"), { ...freshOptions(), registry });
    const layers = new Map<string, string>();
    const deliver = async (digest: string, file: string) => {
      await placeLayer(folder, "me/drydock/text", digest, file);
      layers.set(digest, readFileSync(file, "utf8"));
      expect(statSync(file).nlink).toBeGreaterThan(1);
    };
    const pushed = await publishImage(image, { ...options, deliver });
    expect(layers.size).toBe(2);
    expect(pushed.blobs).toMatchObject({ sent: { count: 1 }, present: { count: 2 } });
    expect(uploads).toEqual({ blobs: 1, bytes: pushed.blobs.sent.bytes });
    expect(await crane$("digest", image.reference)).toBe(image.digest);
    for (const [digest, text] of layers) {
      const { stdout } = await execa(crane, ["blob", `${registry}/drydock/text@${digest}`], {
        stripFinalNewline: false,
      });
      expect(stdout).toBe(text);
    }
  });

  it("is seen in the registry's own folder as long as the registry itself has it", async () => {
    const { registry, folder } = await countedRegistry();
    const image = await buildImage(textRecipe("a"), { ...freshOptions(), registry });
    const { digest } = image;
    const isThere = () => hasManifest(folder, "me/drydock/text", digest);
    expect(isThere()).toBe(false);
    await publishImage(image, options);
    expect([isThere(), await isPublished(image.reference, options)]).toEqual([true, true]);
    expect(hasManifest(folder, "me/drydock/other", digest)).toBe(false);
    const manifests = "docker/registry/v2/repositories/me/drydock/text/_manifests";
    const revision = path.join(folder, manifests, "revisions/sha256", digest.slice(7), "link");
    writeFileSync(revision, "");
    expect([isThere(), await isPublished(image.reference, options)]).toEqual([false, false]);
    rmSync(path.join(folder, manifests), { recursive: true });
    expect([isThere(), await isPublished(image.reference, options)]).toEqual([false, false]);
  });

  it("gives more tags, and says why one cannot be given", async () => {
    const { registry } = await countedRegistry();
    const image = await buildImage(textRecipe("a"), { ...freshOptions(), registry });
    await publishImage(image, options);
    await tagImage(image.reference, "v1", options);
    expect(await crane$("digest", `${registry}/drydock/text:v1`)).toBe(image.digest);
    const missing = image.reference.replace(/.{8}$/, "00000000");
    await expect(tagImage(missing, "v2", options)).rejects.toThrow(
      /^The image cannot be tagged v2\.\n {2}where: .*\n {2}why: .*MANIFEST_UNKNOWN/,
    );
  });
});

describe("the SBOM of a pushed image", () => {
  async function pushed(registryOptions = {}) {
    const { registry } = await countedRegistry(registryOptions);
    const recipe = textRecipe("a");
    const image = await buildImage(recipe, { ...freshOptions(), registry });
    await publishImage(image, options);
    return { recipe, image, registry, attached: await attachSbom(recipe, image, options) };
  }

  it("refers to the image, and is listed under the fallback tag of a registry without the API", async () => {
    const { recipe, image, registry, attached } = await pushed();
    const tag = image.digest.replace(":", "-");
    expect(attached).toMatchObject({ pushed: true, fallbackTag: tag });
    const artifactType = "application/vnd.cyclonedx+json";
    const index = JSON.parse(await crane$("manifest", `${registry}/drydock/text:${tag}`)) as object;
    expect(index).toMatchObject({
      manifests: [{ artifactType, digest: attached.reference.split("@")[1] }],
    });
    const manifest = JSON.parse(await crane$("manifest", attached.reference)) as {
      layers: [{ digest: string }];
    };
    expect(manifest).toMatchObject({ artifactType, subject: { digest: image.digest } });
    const blob = await crane$("blob", `${registry}/drydock/text@${manifest.layers[0].digest}`);
    expect(JSON.parse(blob)).toMatchObject({
      bomFormat: "CycloneDX",
      metadata: { component: { version: image.digest } },
    });
    expect(await attachSbom(recipe, image, options)).toEqual({
      reference: attached.reference,
      pushed: false,
    });
  });

  it("needs no tag where the referrers API is there (the proxy answers for it)", async () => {
    const { registry, attached } = await pushed({ referrers: true });
    expect(attached).toEqual({ reference: attached.reference, pushed: true });
    expect((await crane$("ls", `${registry}/drydock/text`)).split("\n")).toHaveLength(1);
  });
});

describe("an image", () => {
  it("is the same under another umask, time zone, locale, date of the files and folder", () => {
    const script = `
      const { buildImage } = require("./infra/images/build.ts");
      const [root, cacheDirectory] = process.argv.slice(1);
      const entries = [{ kind: "folder", path: "srv", from: "site" }];
      const recipe = { name: "a", title: "a", description: "a", base: { kind: "scratch" },
        layers: [{ name: "site", entries }], config: {} };
      buildImage(recipe, { root, cacheDirectory }).then(({ digest }) => console.log(digest));`;
    const digest = (umask: string, mode: string, env: Record<string, string>) => {
      const root = temporaryDirectory();
      const write = `umask ${umask}; mkdir ${root}/site; echo é > ${root}/site/ä; echo b > ${root}/site/Z; chmod ${mode} ${root}/site/*; touch -d 2001-01-01 ${root}/site/Z`;
      execFileSync("sh", ["-c", write]);
      const node = 'exec "$0" --require ./scripts/typescript.cjs --eval "$1" "$2" "$3"';
      const args = [process.execPath, script, root, temporaryDirectory()];
      return execFileSync("sh", ["-c", `umask ${umask}; ${node}`, ...args], {
        cwd: ROOT,
        env: { PATH: process.env.PATH, ...env },
        encoding: "utf8",
      });
    };
    const one = digest("022", "644", { TZ: "UTC", LC_ALL: "C" });
    const two = digest("077", "700", { TZ: "Asia/Tokyo", LC_ALL: "de_DE.UTF-8" });
    expect(one).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    expect(two).toBe(one);
  });

  it("is verified by a second build, which names the layer that differs", async () => {
    const buildOptions = freshOptions();
    const image = await buildImage(appRecipe("one"), buildOptions);
    await expect(verifyImage(appRecipe("one"), image, buildOptions)).resolves.toBeUndefined();
    await expect(verifyImage(appRecipe("two"), image, buildOptions)).rejects.toThrow(
      /^An image is another one when it is built again\.[^]*why: sha256:\w+ in place of sha256:\w+: these layers differ: code\n/,
    );
  });
});
