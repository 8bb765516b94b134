import * as os from "node:os";

import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";

import { differences, shortened } from "../../review/diff";
import { readRendering, strayRenderings } from "../../review/files";
import { placeholder } from "../../review/placeholder";
import { recordProgram } from "../../review/recording/program";
import { root } from "../../review/recording/stack-file";
import type { Rendering } from "../../review/render";
import { renderStack, stackNames } from "../../review/stack";
import type { Tree, TreeNode } from "../../review/tree";

const stacks = stackNames();

describe("expected/", () => {
  it("holds the stacks that have a stack file, and no other", () => {
    expect(stacks).toEqual(["dev", "prod"]);
    expect(strayRenderings(stacks)).toEqual([]);
  });

  it.each(stacks)("%s is what the program says; else: npm run render", async (stack) => {
    const stale = differences(readRendering(stack), await renderStack(stack));
    expect(shortened(stale)).toEqual([]);
  });
});

describe.each(stacks)("the rendering of %s", (stack) => {
  let rendering: Rendering;
  beforeAll(async () => {
    rendering = await renderStack(stack);
  });

  it("is the same twice, byte by byte", async () => {
    expect([...(await renderStack(stack))]).toEqual([...rendering]);
  });

  it("has a file for every resource, which the tree names once", async () => {
    const { resources } = await recordProgram(stack, "update", { standIn: placeholder });
    const nodes = (tree: Tree): TreeNode[] =>
      Object.values(tree).flatMap((node) => [node, ...nodes(node.children ?? {})]);
    const all = nodes(parse(rendering.get("tree.yaml") ?? "") as Tree);
    const files = all.flatMap(({ file }) => file ?? []);
    expect(all).toHaveLength(resources.length);
    expect(files).toHaveLength(resources.length - 1); // The stack has outputs.yaml.
    expect([...rendering.keys()].sort()).toEqual(
      [...files, "config.yaml", "outputs.yaml", "tree.yaml"].sort(),
    );
  });

  it("tells nothing of this machine, of today, or of what is secret", () => {
    const text = [...rendering.values()].join("\n");
    const today = new Date().toISOString().slice(0, 10);
    for (const own of [root, os.hostname(), today]) {
      expect(text.includes(own) ? own : "nothing").toBe("nothing");
    }
    expect(text).not.toMatch(/certificate-authority-data|kind: Config\b/);
    expect(parse(rendering.get("outputs.yaml") ?? "")).toMatchObject({ kubeconfig: "[secret]" });
  });

  it("has names that every file system takes and tells apart", () => {
    const paths = [...rendering.keys()];
    expect(new Set(paths.map((path) => path.toLowerCase())).size).toBe(paths.length);
    expect(paths.filter((path) => !/^[\w.~-]+(?:\/[\w.~-]+)*$/.test(path))).toEqual([]);
    expect(Math.max(...paths.map((path) => path.length))).toBeLessThan(200);
  });

  it("shows all defaults of the configuration", () => {
    const config = parse(rendering.get("config.yaml") ?? "") as Record<string, unknown>;
    expect(config["drydock:apps"]).toMatchObject({ nginx: { namespace: "web" } });
  });
});
