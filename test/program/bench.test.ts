import { describe, expect, it } from "vitest";

import { interleaved, median, table, withinLimits } from "../../scripts/bench/measure";

describe("the bench", () => {
  it.each([
    [[3], 3],
    [[5, 1, 3], 3],
    [[4, 1, 3, 2], 2.5],
  ])("takes of %j the median %d", (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it("lets trials take turns, and does not count the first round", async () => {
    const order: string[] = [];
    const trial = (name: string, results: number[]) => () => {
      order.push(name);
      return Promise.resolve(results.shift() ?? Number.NaN);
    };
    const medians = await interleaved(2, [trial("a", [99, 1, 3]), trial("b", [99, 10, 20])]);
    expect(medians).toEqual([2, 15]);
    expect(order).toEqual(["a", "b", "a", "b", "a", "b"]);
  });

  it("marks what is over its limit, and what was not measured", () => {
    const start = { name: "start", value: 12.345, unit: "s", limit: 20 } as const;
    const memory = { name: "memory", value: 950.4, unit: "MB", limit: 900 } as const;
    const load = { name: "load", value: Number.NaN, unit: "x", limit: 1.3 } as const;
    expect(table([start, memory, load, { name: "count", value: 7, unit: "" }])).toBe(
      `start   12.35 s  at most 20 s
memory  950 MB   at most 900 MB  OVER
load    NaN x    at most 1.3 x   OVER
count   7.00`,
    );
    expect(withinLimits([start])).toBe(true);
    expect(withinLimits([start, memory])).toBe(false);
    expect(withinLimits([load])).toBe(false);
  });
});
