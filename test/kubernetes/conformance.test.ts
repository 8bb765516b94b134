import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { sections } from "./conformance";
import { promisesDocument } from "./conformance/document";
import { testTitles } from "./conformance/titles";

const DOCUMENT = join(__dirname, "../../toolchain/kubernetes/PROMISES.md");

describe("the promises of the official provider", () => {
  const rows = sections.flatMap(([, promises]) => promises);

  it("have unique ids", () => {
    const ids = rows.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    expect(ids.length).toBeGreaterThan(80);
  });

  it("are each proved by a test that exists", () => {
    const titles = testTitles(__dirname);
    const unproved = rows.filter(({ test }) => !titles.some(({ matches }) => matches(test)));
    expect(unproved.map(({ id, test }) => `${id}: ${test}`)).toEqual([]);
  });

  it("say what differs, and why something is not there", () => {
    const silent = rows.filter(({ status, note = "" }) => status !== "yes" && note === "");
    expect(silent.map(({ id }) => id)).toEqual([]);
  });

  it("stand in PROMISES.md as they are here", async () => {
    await expect(await promisesDocument(sections, DOCUMENT)).toMatchFileSnapshot(DOCUMENT);
  });
});

describe("titles read from a test's source", () => {
  it("include those of this file, and match what a table's row puts in", () => {
    const titles = testTitles(__dirname);
    const found = (title: string) => titles.some(({ matches }) => matches(title));
    expect(found("the promises of the official provider > have unique ids")).toBe(true);
    expect(
      found("a change of a field that cannot be changed > replaces a Pod, the old one first"),
    ).toBe(true);
    expect(found("the promises of the official provider")).toBe(false);
    expect(found("have unique ids")).toBe(false);
  });
});
