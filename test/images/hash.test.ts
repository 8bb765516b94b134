import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { nginxRecipe } from "../../apps/nginx/image/recipe";
import { ImageError } from "../../infra/images/errors";
import { hashRecipeInputs } from "../../infra/images/hash";
import type { ImageRecipe } from "../../infra/images/recipe";
import { corednsRecipe, pauseRecipe } from "../../infra/images/system";

const FOLDER = "apps/nginx/image";
let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "drydock-hash-"));
  cpSync(FOLDER, path.join(root, FOLDER), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (name: string) => path.join(root, FOLDER, name);

function write(name: string): undefined {
  mkdirSync(path.dirname(at(name)), { recursive: true });
  writeFileSync(at(name), "other");
}

describe("hashRecipeInputs", () => {
  it("is the same in another checkout, with other dates and modes of the files", () => {
    utimesSync(at("nginx.conf"), 1, 1);
    chmodSync(at("drain.sh"), 0o600);
    writeFileSync(at("site/.index.html.swp"), "an editor's");
    const hash = hashRecipeInputs(nginxRecipe(), root);
    expect(hash).toBe(hashRecipeInputs(nginxRecipe(), process.cwd()));
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each<[string, (recipe: ImageRecipe) => ImageRecipe | undefined]>([
    ["a file's content", () => write("site/index.html")],
    ["another file", () => write("site/more.html")],
    ["a file in a new folder", () => write("site/more/index.html")],
    ["the user", (recipe) => ({ ...recipe, config: { ...recipe.config, user: "0" } })],
    ["the name", (recipe) => ({ ...recipe, name: "drydock/other" })],
    ["the order of layers", (recipe) => ({ ...recipe, layers: recipe.layers.toReversed() })],
    ["the base", (recipe) => ({ ...recipe, base: pauseRecipe().base })],
  ])("changes with %s", (_what, change) => {
    const before = hashRecipeInputs(nginxRecipe(), root);
    const changed = change(nginxRecipe()) ?? nginxRecipe();
    expect(hashRecipeInputs(changed, root)).not.toBe(before);
  });

  it("does not change with the path of a binary, only with its content", () => {
    const hashes = ["one/coredns", "two/coredns"].map((name, index) => {
      const binary = path.join(root, name);
      mkdirSync(path.dirname(binary));
      writeFileSync(binary, "same");
      const before = hashRecipeInputs(corednsRecipe({ binary }), root);
      writeFileSync(binary, `changed ${index}`);
      return [before, hashRecipeInputs(corednsRecipe({ binary }), root)] as const;
    });
    expect(hashes[0]?.[0]).toBe(hashes[1]?.[0]);
    expect(hashes[0]?.[0]).not.toBe(hashes[0]?.[1]);
  });

  it("names a missing file, and what to do", () => {
    rmSync(at("nginx.conf"));
    expect(() => hashRecipeInputs(nginxRecipe(), root)).toThrow(
      new ImageError({
        what: "A file that belongs into an image can't be read.",
        where: at("nginx.conf"),
        why: `ENOENT: no such file or directory, open '${at("nginx.conf")}'`,
        fix: "restore it (git status shows what is missing), or correct the image's recipe",
      }),
    );
  });
});
