import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { projectRoot, defaultCacheDirectory } from "../../toolchain/paths";
import { findOnPath } from "../../toolchain/probe";
import { localKubernetesVersions, pinnedKubernetesVersion } from "../../config/kubernetes-versions";
import { charts } from "../../infra/eks/versions";
import { expand, KUBERNETES_MINORS, PLATFORMS, releasesOf } from "../../toolchain/release";
import { locateTools, resolveTools } from "../../toolchain/resolve";
import {
  DEFAULT_KUBERNETES_MINOR,
  KUBERNETES_PLUGIN_VERSION,
  KUBERNETES_VERSIONS,
  RECIPES,
  RELEASES,
} from "../../toolchain/tools";
import { compareVersions, fits } from "../../toolchain/versions";
import { bareRelease, script, temporaryFolder, testTool, writeExecutable } from "./support";

const root = projectRoot();

describe("the table", () => {
  it.each(KUBERNETES_MINORS)("names each tool once for Kubernetes %s", (minor) => {
    const all = RELEASES.flatMap(({ tools }) => tools.map(({ name }) => name));
    const releases = releasesOf(all, minor, RELEASES);
    const names = releases.flatMap(({ tools }) => tools.map(({ name }) => name));
    expect(new Set(names)).toEqual(new Set(all));
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(releases.map(({ name }) => name)).size).toBe(releases.length);
  });

  it("has the five commands of a cluster once a Kubernetes minor, and kubectl for all", () => {
    for (const minor of KUBERNETES_MINORS) {
      const own = RELEASES.filter(({ kubernetes }) => kubernetes === minor);
      expect(own.map(({ name }) => name).sort()).toEqual(
        "kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubelet".split(" "),
      );
      for (const { version, recipe, url } of own) {
        expect(version).toBe(KUBERNETES_VERSIONS[minor]);
        expect(url).toContain("https://dl.k8s.io/release/v{version}/");
        const { variables } = RECIPES[recipe];
        expect(variables["k8s.io/component-base/version.gitVersion"]).toBe(`v${version}`);
        expect(variables["k8s.io/component-base/version.gitMinor"]).toBe(minor.split(".")[1]);
      }
      expect(fits(KUBERNETES_VERSIONS[DEFAULT_KUBERNETES_MINOR], minor, "withinOneMinor")).toBe(
        true,
      );
    }
    expect(localKubernetesVersions).toEqual(KUBERNETES_MINORS);
    expect(pinnedKubernetesVersion).toBe(DEFAULT_KUBERNETES_MINOR);
  });

  it("has a distinct SHA-256 for every file, and a release for every tool on Linux", () => {
    const hashes = RELEASES.flatMap(({ sha256 }) => Object.values(sha256));
    expect(hashes.filter((hash) => !/^[0-9a-f]{64}$/.test(hash))).toEqual([]);
    expect(new Set(hashes).size).toBe(hashes.length);
    // The others are published as images, which are taken before a program is built, or not at all.
    const files = RELEASES.filter(({ url }) => url !== undefined);
    expect(RELEASES.length - files.length).toBe(4);
    for (const { sha256 } of files) {
      expect(Object.keys(sha256)).toEqual(expect.arrayContaining(["linux-x64", "linux-arm64"]));
    }
  });

  it("has the CLI and kubectl for every platform", () => {
    for (const name of ["pulumi", "kubectl"]) {
      const release = RELEASES.find((candidate) => candidate.name === name);
      expect(Object.keys(release?.sha256 ?? {}).sort()).toEqual([...PLATFORMS].sort());
    }
  });

  it("fills every placeholder, and names HTTPS addresses that hold the version", () => {
    for (const { url = "", version, sha256, tools } of RELEASES) {
      for (const platform of PLATFORMS.filter((candidate) => sha256[candidate] !== undefined)) {
        const filled = expand(url, version, platform);
        expect(filled).not.toMatch(/[{}]/);
        expect(filled).toContain(version);
        expect(new URL(filled).protocol).toBe("https:");
        for (const { member } of tools) {
          expect(expand(member ?? "", version, platform)).not.toMatch(/[{}]/);
        }
      }
    }
  });

  it("pins in go.mod the versions that it names", () => {
    const modules: Record<string, string> = {
      kubelet: "k8s.io/kubernetes",
      pulumi: "github.com/pulumi/pulumi/pkg/v3",
      kubectl: "k8s.io/kubernetes",
      kwok: "sigs.k8s.io/kwok",
      coredns: "github.com/coredns/coredns",
      "local-path-provisioner": "github.com/rancher/local-path-provisioner",
      "metrics-server": "sigs.k8s.io/metrics-server",
      karpenter: "sigs.k8s.io/karpenter",
      etcd: "go.etcd.io/etcd/server/v3",
      containerd: "github.com/containerd/containerd/v2",
      runc: "github.com/opencontainers/runc",
      "cni-plugins": "github.com/containernetworking/plugins",
      crane: "github.com/google/go-containerregistry",
      registry: "github.com/distribution/distribution/v3",
      kind: "sigs.k8s.io/kind",
      skipper: "github.com/zalando/skipper",
    };
    for (const { name, recipe, version } of RELEASES.filter((it) => it.name in modules)) {
      const folder = RECIPES[recipe].module;
      const goMod = readFileSync(join(root, "toolchain", "go", folder, "go.mod"), "utf8");
      const module = modules[name] ?? "";
      expect(goMod).toMatch(new RegExp(`^(require|\\s)\\s*${module} v${version}\\b`, "m"));
    }
    for (const member of ["etcdctl", "etcdutl"]) {
      const goMod = readFileSync(join(root, "toolchain", "go", "etcd", "go.mod"), "utf8");
      const version = RELEASES.find(({ name }) => name === "etcd")?.version ?? "";
      expect(goMod).toContain(`go.etcd.io/etcd/${member}/v3 v${version}`);
    }
  });

  it("replaces every staging module of a Kubernetes minor by the release of the same patch", () => {
    for (const minor of KUBERNETES_MINORS) {
      const recipe = RELEASES.find(({ kubernetes }) => kubernetes === minor)?.recipe ?? "etcd";
      const folder = join(root, "toolchain", "go", RECIPES[recipe].module);
      const lines =
        readFileSync(join(folder, "go.mod"), "utf8").match(/^\tk8s.io\S+ => .*$/gm) ?? [];
      const staging = KUBERNETES_VERSIONS[minor].replace(/^1\./, "v0.");
      expect(lines.length).toBeGreaterThan(30);
      for (const line of lines) expect(line).toMatch(new RegExp(`^\\t(\\S+) => \\1 ${staging}$`));
    }
  });

  it("has the Karpenter of production", () => {
    const { version } = RELEASES.find(({ name }) => name === "karpenter") ?? {};
    expect(version).toBe(charts.karpenter.version);
  });

  it("names the Kubernetes plugin that the SDK asks for", () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    expect(dependencies["@pulumi/kubernetes"]).toBe(KUBERNETES_PLUGIN_VERSION);
  });
});

describe("a version on PATH", () => {
  it.each([
    ["1.4.3", "1.4.3", "atLeast", true],
    ["1.10.0", "1.4.3", "atLeast", true],
    ["1.1.5", "1.4.3", "atLeast", false],
    ["2.0.0", "1.4.3", "atLeast", false],
    ["1.36.9", "1.36.3", "sameMinor", true],
    ["1.36.0", "1.36.3", "sameMinor", true],
    ["1.37.0", "1.36.3", "sameMinor", false],
    ["1.35.0", "1.36.3", "withinOneMinor", true],
    ["1.37.4", "1.36.3", "withinOneMinor", true],
    ["1.34.9", "1.36.3", "withinOneMinor", false],
    ["2.36.3", "1.36.3", "withinOneMinor", false],
    ["1.9.1", "1.9.1", "never", false],
    ["nonsense", "1.9.1", "atLeast", false],
  ] as const)("%s in place of %s by %s: %s", (found, pinned, fit, expected) => {
    expect(fits(found, pinned, fit)).toBe(expected);
  });

  it("is ordered as numbers", () => {
    const version = fc.tuple(fc.nat(50), fc.nat(50), fc.nat(50));
    fc.assert(
      fc.property(version, version, (a, b) => {
        const order = a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
        expect(Math.sign(compareVersions(a.join("."), `v${b.join(".")}`))).toBe(Math.sign(order));
      }),
    );
  });
});

describe("tools on PATH", () => {
  const pair = bareRelease({
    name: "containerd",
    content: "",
    overrides: { tools: [testTool("containerd", "x"), testTool("ctr", "x")] },
  });
  const locate = (folder: string, cacheDirectory = temporaryFolder(), releases = [pair]) =>
    locateTools(["containerd", "ctr"], { env: { PATH: folder }, cacheDirectory, releases });

  it("are used when their version fits", async () => {
    const folder = temporaryFolder();
    for (const name of ["containerd", "ctr"]) writeExecutable(join(folder, name), script("1.3.0"));
    expect(await locate(folder)).toEqual(
      new Map([
        ["containerd", { path: join(folder, "containerd"), version: "1.3.0", source: "PATH" }],
        ["ctr", { path: join(folder, "ctr"), version: "1.3.0", source: "PATH" }],
      ]),
    );
  });

  it.each([
    ["one is missing", { containerd: script("1.3.0") }],
    ["one is older", { containerd: script("1.3.0"), ctr: script("1.0.0") }],
    [
      "one is another program of that name",
      { containerd: script("1.3.0"), ctr: "#!/bin/sh\necho hi\n" },
    ],
    ["one does not start", { containerd: script("1.3.0"), ctr: "\u0000" }],
  ])("are passed over together when %s", async (_case, files) => {
    const folder = temporaryFolder();
    for (const [name, text] of Object.entries(files)) writeExecutable(join(folder, name), text);
    expect(await locate(folder)).toEqual(new Map());
  });

  it("do not count when they are those of the cache", async () => {
    const folder = temporaryFolder();
    const inside = join(folder, "tools", "x");
    for (const name of ["containerd", "ctr"]) writeExecutable(join(inside, name), script("1.3.0"));
    expect(await locate(inside, folder)).toEqual(new Map());
    expect(await findOnPath("ctr", { PATH: inside })).toBe(join(inside, "ctr"));
  });

  it("are never looked for where the table says so", async () => {
    const folder = temporaryFolder();
    for (const name of ["containerd", "ctr"]) writeExecutable(join(folder, name), script("1.2.3"));
    expect(await locate(folder, undefined, [{ ...pair, fit: "never" }])).toEqual(new Map());
  });

  it("must be in the table", async () => {
    await expect(resolveTools(["runc"], { releases: [pair] })).rejects.toThrow(
      "no tool is named runc",
    );
  });
});

describe("the cache's folder", () => {
  it("follows XDG_CACHE_HOME, when that is absolute", () => {
    expect(defaultCacheDirectory({ XDG_CACHE_HOME: "/x", HOME: "/h" })).toBe("/x/drydock");
    expect(defaultCacheDirectory({ XDG_CACHE_HOME: "x", HOME: "/h" })).toBe("/h/.cache/drydock");
    expect(defaultCacheDirectory({ HOME: "/h" })).toBe("/h/.cache/drydock");
  });
});
