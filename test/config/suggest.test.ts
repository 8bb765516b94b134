import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { editDistance, suggest } from "../../config/suggest";

const word = fc.string({ maxLength: 12 });

describe("did you mean", () => {
  it.each([
    ["replcas", "replicas"],
    ["relpicas", "replicas"],
    ["kubernetes_version", "kubernetesVersion"],
    ["PORT", "port"],
    ["colour", undefined],
    ["", undefined],
  ])("%j: %j", (typed, expected) => {
    expect(suggest(typed, ["replicas", "port", "kubernetesVersion", "image"])).toBe(expected);
  });

  it("suggests nothing of nothing", () => {
    expect(suggest("replicas", [])).toBeUndefined();
  });
});

describe("the distance of two words", () => {
  it("is 0 for one word, and the same both ways", () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, a)).toBe(0);
        expect(editDistance(a, b)).toBe(editDistance(b, a));
      }),
    );
  });

  it("is 1 after one edit, and never more than the longer word", () => {
    fc.assert(
      fc.property(word, word, fc.nat(12), (a, b, at) => {
        expect(editDistance(a, `${a.slice(0, at)}x${a.slice(at)}`)).toBe(1);
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
