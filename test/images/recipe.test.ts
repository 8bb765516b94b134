import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { INDEX_PAGE, nginxRecipe } from "../../apps/nginx/image/recipe";
import { rendererRecipe } from "../../apps/renderer/image/recipe";
import { uploaderRecipe } from "../../apps/uploader/image/recipe";
import { corednsRecipe, pauseRecipe } from "../../infra/images/system";

const recipes = [
  nginxRecipe(),
  rendererRecipe(),
  uploaderRecipe(),
  pauseRecipe(),
  corednsRecipe({ binary: "/bin/sh" }),
];

describe.each(recipes)("the recipe of $name", (recipe) => {
  const { base, config } = recipe;
  const fallback = base.kind === "registry" ? base.fallback.config : undefined;

  it("pins its base by digest", () => {
    const reference = base.kind === "registry" ? base.reference : undefined;
    expect(reference ?? "a@sha256:".padEnd(73, "0")).toMatch(/@sha256:[0-9a-f]{64}$/);
  });

  it("runs as a numbered user that is not root", () => {
    // pause takes the user of its base where that comes from the registry.
    const user = config.user ?? fallback?.user;
    expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  it("is plain data, so that it can be an input of a resource", () => {
    expect(JSON.parse(JSON.stringify(recipe))).toEqual(recipe);
  });
});

describe("the page", () => {
  const page = readFileSync(INDEX_PAGE, "utf8");

  it("names the pod that served it, and loads nothing from elsewhere", () => {
    expect(page.split("{{pod}}")).toHaveLength(2);
    const loaded = page.matchAll(/\b(?:src|href)="([^"]*)"|url\(([^)]*)\)|@import/g);
    const targets = [...loaded].map(([, attribute, url]) => attribute ?? url ?? "@import");
    expect(targets.map((target) => target.slice(0, 10))).toEqual(["data:image", "/whoami"]);
  });
});
