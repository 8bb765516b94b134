import * as fs from "node:fs";
import * as path from "node:path";

import ts from "typescript";
import { describe, expect, it } from "vitest";

import { forbidden, layerOf, layers } from "../../scripts/layers.mjs";
import { root } from "../../review/recording/stack-file";

const skipped = new Set(["node_modules", "dist", ".git", ".drydock", "expected", "coverage"]);

function sources(folder = ""): string[] {
  return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : sources(name);
    return /\.m?ts$/.test(entry.name) ? [name] : [];
  });
}

/** Also `import type` and `export from`; comments and texts do not count. */
function imports(file: string): string[] {
  const text = fs.readFileSync(path.join(root, file), "utf8");
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

describe("the direction of imports", () => {
  it("is that of the layout table, in every file", () => {
    const files = sources();
    expect(files).toContain("index.ts");
    const wrong = files.flatMap((file) =>
      imports(file).flatMap((specifier) => {
        const reason = forbidden(file, specifier);
        return reason === undefined ? [] : [`${file}: ${reason}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it.each([
    ["apps/nginx/index.ts", "../../infra/local"],
    ["apps/nginx/index.ts", "../../infra/local/index"],
    ["apps/nginx/index.ts", "../../toolchain/paths"],
    ["config/load.ts", "../infra/cluster"],
    ["infra/platform/index.ts", "../local"],
    ["infra/platform/index.ts", "../../apps"],
    ["toolchain/paths.ts", "../config/schema"],
    ["infra/local/index.ts", "../../test/support/program"],
    ["index.ts", "./infra/local"],
    ["review/render.ts", "../index"],
    ["review/main.ts", "../test/support/stacks"],
    ["elsewhere/file.ts", "./other"],
  ])("is wrong from %s to %s", (file, specifier) => {
    expect(forbidden(file, specifier)).toEqual(expect.any(String));
  });

  it.each([
    ["index.ts", "./infra/cluster"],
    ["apps/nginx/index.ts", "../../infra/cluster"],
    ["apps/nginx/index.ts", "../labels"],
    ["infra/local/index.ts", "../cluster"],
    ["infra/plugin/main.ts", "../../toolchain/plugin/serve"],
    ["infra/cluster.ts", "./local"],
    ["config/load.ts", "@pulumi/pulumi"],
  ])("is right from %s to %s", (file, specifier) => {
    expect(forbidden(file, specifier)).toBeUndefined();
  });

  it("never goes round: no layer imports one that imports it, but for the contract's variants", () => {
    const reach = (from: string) => layers[from] ?? [];
    const mutual = Object.keys(layers).flatMap((a) =>
      reach(a)
        .filter((b) => reach(layerOf(b) ?? b).some((c) => c === a))
        .map((b) => [a, b].sort().join(" <-> ")),
    );
    expect([...new Set(mutual)].sort()).toEqual([
      "infra/cluster <-> infra/eks",
      "infra/cluster <-> infra/existing",
      "infra/cluster <-> infra/local",
    ]);
  });
});

describe("the program", () => {
  const program = sources().filter((file) => /^(index\.ts|config\/|apps\/|infra\/)/.test(file));
  const holding = (pattern: RegExp) =>
    program.filter((file) => pattern.test(fs.readFileSync(path.join(root, file), "utf8")));

  it("makes its configuration in index.ts and reads it in config/load.ts", () => {
    expect(holding(/new pulumi\.Config\(/)).toEqual(["index.ts"]);
    expect(holding(/pulumi\.runtime\.allConfig|: pulumi\.Config\b/)).toEqual(["config/load.ts"]);
  });

  it("asks for the kind of cluster in one place, once the configuration is checked", () => {
    const asking = holding(/\b(?:cluster|config)\??\.kind\b/);
    expect(asking.filter((file) => !file.startsWith("config/"))).toEqual(["infra/cluster.ts"]);
  });
});
