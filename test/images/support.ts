import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";

import type { BuildOptions } from "../../infra/images/build";
import type { ImageRecipe, RegistryBase } from "../../infra/images/recipe";
import { eventually } from "../support/eventually";
import { privatePort } from "../support/ports";

/** Removed when the test is over. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "drydock-images-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Options with a cache of the test's own, and the progress lines of all builds that use them. */
export function freshOptions(more: Partial<BuildOptions> = {}) {
  const progress: string[] = [];
  const onProgress = (line: string) => progress.push(line);
  return { cacheDirectory: temporaryDirectory(), onProgress, progress, ...more };
}

/** A recipe of one text file. */
export function textRecipe(text: string, more: Partial<ImageRecipe> = {}): ImageRecipe {
  return {
    name: "drydock/text",
    title: "text",
    description: "For tests.",
    base: { kind: "scratch" },
    layers: [{ name: "text", entries: [{ kind: "text", path: "file.txt", text }] }],
    config: {},
    ...more,
  };
}

/** A registry base whose fallback is BusyBox of Debian. */
export function registryBase(reference: string, more: Partial<RegistryBase> = {}): RegistryBase {
  return {
    kind: "registry",
    reference,
    versionVariable: "TEXT_VERSION",
    fallback: {
      packages: { "busybox-static": ["usr/bin/busybox"] },
      versionPackage: "busybox-static",
      files: [],
    },
    ...more,
  };
}

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string; readonly mediaType: string }[];
  readonly annotations: Readonly<Record<string, string>>;
}

interface Config {
  readonly config: {
    readonly User?: string;
    readonly Env?: string[];
    readonly Entrypoint?: string[];
    readonly Cmd?: string[];
    readonly Labels: Readonly<Record<string, string>>;
  };
  readonly rootfs: { readonly diff_ids: readonly string[] };
  readonly history: readonly { readonly created_by?: string }[];
}

/** An archive, unpacked by the system's tar into an OCI layout. */
export function unpackArchive(archive: string) {
  const layout = path.join(temporaryDirectory(), "layout");
  mkdirSync(layout);
  execFileSync("tar", ["xf", archive, "-C", layout]);
  const json = (file: string): unknown => JSON.parse(readFileSync(path.join(layout, file), "utf8"));
  const blob = (digest: string) => path.join("blobs", digest.replace(":", "/"));
  const index = json("index.json") as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  const manifest = json(blob(index.manifests[0]?.digest ?? "")) as Manifest;
  const config = json(blob(manifest.config.digest)) as Config;
  return {
    layout,
    index,
    manifest,
    config,
    blob: (digest: string) => path.join(layout, blob(digest)),
  };
}

/** Names of the members of a layer. */
export function listLayer(file: string): string[] {
  return execFileSync("tar", ["tf", file], { encoding: "utf8" }).trim().split("\n");
}

/** Sets environment variables for the time of the test. */
export function withEnvironment(values: Readonly<Record<string, string>>): void {
  const before = Object.keys(values).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, values);
  onTestFinished(() => {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });
}

/** crane's own registry, in memory, on a loopback port. */
export async function startRegistry(binary: string) {
  const port = await privatePort();
  const address = `127.0.0.1:${port}`;
  const server = spawn(binary, ["registry", "serve", "--address", address], { stdio: "ignore" });
  const stop = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill("SIGKILL");
    await once(server, "exit");
  };
  onTestFinished(stop);
  const answers = () => fetch(`http://${address}/v2/`).then((answer) => answer.ok);
  await eventually(() => answers().catch(() => false));
  return { address, stop };
}
