import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, it } from "vitest";

import { root } from "../../review/recording/stack-file";
import { concepts } from "../support/concepts";

it("docs/concepts.md has a command and what it shows for each concept", () => {
  const all = concepts();
  expect(all.length).toBeGreaterThan(25);
  expect(all.filter(({ command, shown }) => command === "" || shown === "")).toEqual([]);
});

it.each(concepts())("docs/concepts.md knows where $name stands, and its proof", (concept) => {
  const { declaredIn, proof } = concept;
  expect(declaredIn.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  expect(proof.title).not.toBe("");
  const titles = readFileSync(join(root, proof.file), "utf8").matchAll(/"((?:[^"\\]|\\.)*)"/g);
  expect([...titles].filter(([, title]) => title?.includes(proof.title)).length).toBeGreaterThan(0);
});
