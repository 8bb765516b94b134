import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

import { nginxRecipe } from "../../apps/nginx/image/recipe";
import { buildImage } from "../../infra/images/build";
import type { Candidate } from "../../infra/images/debian/apt";
import { elfNeeds } from "../../infra/images/debian/elf";
import { select, type UnpackedPackage } from "../../infra/images/debian/packages";
import { ImageError } from "../../infra/images/errors";
import { pauseRecipe } from "../../infra/images/system";
import type { TarEntry } from "../../infra/images/tar";
import {
  freshOptions,
  listLayer,
  registryBase,
  temporaryDirectory,
  textRecipe,
  unpackArchive,
  withEnvironment,
} from "./support";

const hasApt = existsSync("/usr/bin/apt-get");
const SHELL = readFileSync("/bin/sh");

describe("elfNeeds", () => {
  it.skipIf(process.platform !== "linux")("reads the loader and the libraries of a program", () => {
    const needs = elfNeeds(SHELL);
    expect(needs?.interpreter).toMatch(/^\/lib.*\/ld-linux-/);
    expect(needs?.libraries).toContain("libc.so.6");
  });

  it("reads a script as no program", () => {
    expect(elfNeeds(Buffer.from(`#!/bin/sh\n${"#".repeat(100)}`))).toBeUndefined();
  });
});

describe("select", () => {
  const file = (name: string, data: Buffer | string): TarEntry => ({
    kind: "file",
    path: name,
    mode: 0o755,
    data: Buffer.from(data),
  });
  const pack = (name: string, ...entries: TarEntry[]): UnpackedPackage => ({
    candidate: { name, fields: { Package: name, Version: "1" } } as unknown as Candidate,
    files: new Map(entries.map((entry) => [entry.path, entry])),
  });
  const base = registryBase("r", {
    fallback: { packages: { tool: ["usr/bin/tool"] }, versionPackage: "tool", files: [] },
  }).fallback;
  const loader = elfNeeds(SHELL)?.interpreter?.replace(/^\/(usr\/)?/, "usr/") ?? "";
  const libc = pack(
    "libc6",
    { kind: "symlink", path: loader, target: `/${path.dirname(loader)}/ld-real` },
    file(`${path.dirname(loader)}/ld-real`, "loader"),
    { kind: "symlink", path: "usr/lib/libc.so.6", target: "libc-2.so" },
    file("usr/lib/libc-2.so", "library"),
    file("usr/lib/libother.so.1", "not needed"),
    file("usr/share/doc/libc6/copyright", "free"),
  );

  it("takes the named file and all that is needed to load it, and no more", () => {
    const tool = pack("tool", file("usr/bin/tool", SHELL), file("usr/bin/other", "not named"));
    const { named, libraries, packages } = select(base, [tool, libc, pack("unused")]);
    expect(named.map((entry) => entry.path)).toEqual([
      "usr/bin/tool",
      "var/lib/dpkg/status.d/tool",
    ]);
    expect(libraries.map((entry) => entry.path).toSorted()).toEqual(
      [
        loader,
        `${path.dirname(loader)}/ld-real`,
        "usr/lib/libc-2.so",
        "usr/lib/libc.so.6",
        "usr/share/doc/libc6/copyright",
        "var/lib/dpkg/status.d/libc6",
      ].toSorted(),
    );
    expect(packages.map(({ name }) => name)).toEqual(["libc6", "tool"]);
  });

  it("refuses an image that could not be started", () => {
    const tool = pack("tool", file("usr/bin/tool", SHELL));
    expect(() => select(base, [tool])).toThrow(
      /^A shared library that the image needs is in none of its Debian packages\.\n {2}where: .*, needed by \/usr\/bin\/tool\n/,
    );
  });

  it("names a file that a package does not have", () => {
    expect(() => select(base, [pack("tool")])).toThrow(/where: tool: \/usr\/bin\/tool\n/);
  });
});

describe.skipIf(!hasApt)("a base out of Debian's packages", () => {
  it("is the same each time, small, and labelled with what it is made of", async () => {
    const [one, two] = [freshOptions(), freshOptions()];
    const built = await buildImage(nginxRecipe(), one);
    expect((await buildImage(nginxRecipe(), two)).reference).toBe(built.reference);
    expect(built).toMatchObject({ base: "debian" });
    expect(built.size).toBeLessThan(20_000_000);
    const { manifest, config, blob } = unpackArchive(built.archive);
    const [libraries = [], packages = []] = manifest.layers.map(({ digest }) =>
      listLayer(blob(digest)),
    );
    expect(packages).toContain("usr/sbin/nginx");
    expect(packages).toContain("usr/share/doc/nginx/copyright");
    expect(libraries.some((name) => name.endsWith("/libc.so.6"))).toBe(true);
    expect(config.config.Labels).toMatchObject({
      "org.opencontainers.image.base.name": expect.stringMatching(/^\w+:\w+ packages$/) as string,
      "org.opencontainers.image.version": expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
      "dev.drydock.base.packages": expect.stringMatching(/ nginx=\S+ /) as string,
    });
    expect(config.config.Labels).not.toHaveProperty("org.opencontainers.image.base.digest");
  });

  it("is kept when the site changes: only the last layer is another", async () => {
    const options = freshOptions();
    const before = unpackArchive((await buildImage(nginxRecipe(), options)).archive).manifest;
    options.progress.length = 0;
    const { layers, ...rest } = nginxRecipe();
    const site = { name: "site", entries: [{ kind: "text", path: "x", text: "new" }] } as const;
    const changed = { ...rest, layers: [...layers.slice(0, -1), site] };
    const after = unpackArchive((await buildImage(changed, options)).archive).manifest;
    expect(after.layers.slice(0, -1)).toEqual(before.layers.slice(0, -1));
    expect(after.layers.at(-1)).not.toEqual(before.layers.at(-1));
    expect(options.progress).toEqual([expect.stringMatching(/^building drydock\/nginx on /)]);
  });

  it("gets package lists of its own where the machine has none", async () => {
    useAptConfiguration(`Dir::State::Lists "${temporaryDirectory()}";`);
    const options = freshOptions();
    const built = await buildImage(pauseRecipe(), options);
    expect(built.base).toBe("debian");
    expect(options.progress[0]).toBe(
      "package lists are missing or old (Error: no package list knows busybox-static): refreshing",
    );
  });

  it("says what to do where there is no source of packages", async () => {
    const nothing = temporaryDirectory();
    useAptConfiguration(
      `Dir::State::Lists "${nothing}"; Dir::Etc::SourceList "/dev/null"; Dir::Etc::SourceParts "${nothing}";`,
    );
    await expect(buildImage(pauseRecipe(), freshOptions())).rejects.toThrow(
      new ImageError({
        what: "The Debian packages of an image can't be had.",
        where: "busybox-static",
        why: "no package list knows busybox-static",
        fix: "check the network and /etc/apt/sources.list, run `sudo apt-get update`, then try again",
      }),
    );
  });

  it("leaves nothing half-made when it is stopped in the middle, and can be started again", async () => {
    const aborter = new AbortController();
    const options = freshOptions({
      signal: aborter.signal,
      onProgress: (line) => {
        if (line.startsWith("downloading")) aborter.abort(new Error("enough"));
      },
    });
    await expect(buildImage(nginxRecipe(), options)).rejects.toThrow(new Error("enough"));
    expect(existsSync(path.join(options.cacheDirectory, "images/built"))).toBe(false);
    const again = await buildImage(nginxRecipe(), { cacheDirectory: options.cacheDirectory });
    expect(again.base).toBe("debian");
  });
});

it("says what to do on a machine with neither apt nor a registry", async () => {
  withEnvironment({ PATH: temporaryDirectory() });
  const recipe = textRecipe("a", { base: registryBase("registry.invalid/a") });
  await expect(buildImage(recipe, freshOptions())).rejects.toThrow(
    new ImageError({
      what: "No image can be assembled from Debian packages on this machine.",
      why: "apt-cache is not installed, and no image registry answers",
      fix: "give the machine access to an image registry, or use Debian or Ubuntu",
    }),
  );
});

function useAptConfiguration(text: string): void {
  const directory = temporaryDirectory();
  mkdirSync(path.join(directory, "partial"), { recursive: true });
  const file = path.join(directory, "apt.conf");
  writeFileSync(file, text);
  withEnvironment({ APT_CONFIG: file });
}
