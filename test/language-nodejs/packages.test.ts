import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { parseOptions, type Program } from "../../toolchain/language-nodejs/options";
import {
  installedPackages,
  installedVersion,
  type Manifest,
  requiredPackages,
} from "../../toolchain/language-nodejs/packages";

let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "drydock-packages-"));
});

afterEach(() => rmSync(root, { recursive: true }));

function write(folder: string, manifest: Manifest): void {
  mkdirSync(path.join(root, folder), { recursive: true });
  writeFileSync(path.join(root, folder, "package.json"), JSON.stringify(manifest));
}

function program(folder = "."): Program {
  const directory = path.join(root, folder);
  return { rootDirectory: root, directory, entryPoint: ".", options: parseOptions({}) };
}

const required = (folder?: string) =>
  requiredPackages(program(folder)).map((found) => `${found.getName()} ${found.getVersion()}`);

describe("the packages of a program", () => {
  test("are found through dependencies of every kind, hoisted, nested and linked", () => {
    write(".", { dependencies: { a: "1" }, devDependencies: { dev: "1" } });
    write("node_modules/a", {
      name: "a",
      version: "1.0.0",
      dependencies: { b: "1" },
      peerDependencies: { peer: "1" },
      devDependencies: { "not-installed-for-a": "1" },
    });
    write("node_modules/dev", { name: "dev", version: "1.0.0" });
    write("node_modules/peer", { name: "peer", version: "1.0.0" });
    write("node_modules/a/node_modules/b", {
      name: "b",
      version: "2.0.0",
      optionalDependencies: { linked: "1", missing: "1" },
    });
    write("store/linked@3/node_modules/linked", {
      name: "linked",
      version: "3.0.0",
      dependencies: { sibling: "1", a: "1" },
    });
    write("store/linked@3/node_modules/sibling", { name: "sibling", version: "4.0.0" });
    symlinkSync(
      path.join(root, "store/linked@3/node_modules/linked"),
      path.join(root, "node_modules/linked"),
    );
    write("node_modules/unrelated", { name: "unrelated", version: "1.0.0" });
    const found = installedPackages(root).map(
      ({ manifest, direct }) =>
        `${manifest.name ?? ""}@${manifest.version ?? ""} ${String(direct)}`,
    );
    expect(found.sort()).toEqual([
      "a@1.0.0 true",
      "b@2.0.0 false",
      "dev@1.0.0 true",
      "linked@3.0.0 false",
      "peer@1.0.0 false",
      "sibling@4.0.0 false",
    ]);
  });

  test("of a program in a folder below are those of the folder above", () => {
    write(".", { dependencies: { a: "1" } });
    write("node_modules/a", { name: "a", version: "1.0.0" });
    mkdirSync(path.join(root, "infra/deep"), { recursive: true });
    expect(installedPackages(path.join(root, "infra/deep"))).toHaveLength(1);
    expect(installedVersion(path.join(root, "infra/deep"), "a")).toBe("1.0.0");
  });

  test("are none without a package.json", () => {
    expect(installedPackages(root)).toEqual([]);
  });
});

describe("the provider packages of a program", () => {
  beforeEach(() => {
    write(".", { dependencies: { "@pulumi/kubernetes": "4.34.2", "@pulumi/pulumi": "3.270.0" } });
    write("node_modules/@pulumi/pulumi", { name: "@pulumi/pulumi", version: "3.270.0" });
    write("node_modules/@pulumi/kubernetes", {
      name: "@pulumi/kubernetes",
      version: "4.34.2",
      pulumi: { resource: true, name: "kubernetes", version: "4.34.2" },
    });
  });

  test("are those whose package.json says so", () => {
    expect(required()).toEqual(["kubernetes v4.34.2"]);
  });

  test("take name, version and server from where they are", () => {
    write(".", { dependencies: { "@pulumi/aws": "1", other: "1", nameless: "1", generated: "1" } });
    write("node_modules/@pulumi/aws", {
      name: "@pulumi/aws",
      version: "v7.1.0",
      pulumi: { resource: true },
    });
    write("node_modules/other", {
      name: "other",
      version: "1.0.0",
      pulumi: { resource: true, name: "third", version: "1.2.3", server: "https://example.com" },
    });
    write("node_modules/nameless", {
      name: "nameless",
      version: "1.0.0",
      pulumi: { resource: true },
    });
    const value = Buffer.from("{}").toString("base64");
    write("node_modules/generated", {
      name: "generated",
      version: "0.1.0",
      pulumi: {
        resource: true,
        name: "terraform-provider",
        version: "1.0.0",
        parameterization: { name: "random", version: "3.0.0", value },
      },
    });
    const [aws, third, generated, ...rest] = requiredPackages(program());
    expect(rest).toEqual([]);
    expect(aws?.toObject()).toMatchObject({ name: "aws", kind: "resource", version: "v7.1.0" });
    expect(third?.toObject()).toMatchObject({ name: "third", server: "https://example.com" });
    expect(generated?.getParameterization()?.toObject()).toEqual({
      name: "random",
      version: "3.0.0",
      value,
    });
  });

  test("leave out what the project serves itself", () => {
    const project = "name: p\nplugins:\n  providers:\n    - name: kubernetes\n      path: ./mine\n";
    writeFileSync(path.join(root, "Pulumi.yaml"), project);
    expect(required()).toEqual([]);
  });

  test("name the project file that cannot be read", () => {
    writeFileSync(path.join(root, "Pulumi.yaml"), "name: [");
    expect(() => required()).toThrow(`could not read ${path.join(root, "Pulumi.yaml")}`);
  });
});
