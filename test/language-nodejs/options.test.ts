import { describe, expect, test } from "vitest";

import {
  optionsEnvironment,
  parseOptions,
  splitArguments,
} from "../../toolchain/language-nodejs/options";

describe("runtime options", () => {
  test("have the defaults of the official host", () => {
    expect(parseOptions({})).toEqual({ typescript: true, nodeargs: [], production: false });
    expect(parseOptions({ packagemanager: "auto", tsconfig: "" })).toEqual(parseOptions({}));
  });

  test("reach the SDK's runner through its environment", () => {
    const environment = (raw: Record<string, unknown>) => optionsEnvironment(parseOptions(raw));
    expect(environment({})).toEqual({ PULUMI_NODEJS_TYPESCRIPT: "true" });
    expect(environment({ typescript: false })).toEqual({});
    expect(environment({ typescript: false, tsconfig: "tsconfig.prod.json" })).toEqual({
      PULUMI_NODEJS_TSCONFIG_PATH: "tsconfig.prod.json",
    });
  });

  test.each([
    [{ typescript: "yes" }, '"typescript" is "yes": it must be true or false'],
    [{ tsconfig: 1 }, '"tsconfig" is 1: it must be a path'],
    [{ nodeargs: ["--inspect"] }, '"nodeargs" is ["--inspect"]: it must be a string of arguments'],
    [{ production: 0 }, '"production" is 0: it must be true or false'],
    [{ packagemanager: "pip" }, '"packagemanager" is "pip": it must be auto, npm, pnpm, yarn, bun'],
  ])("of the wrong type are named: %j", (raw, message) => {
    expect(() => parseOptions(raw)).toThrow(message);
  });
});

describe("arguments for node", () => {
  test.each([
    ["", []],
    ["  --import tsx  ", ["--import", "tsx"]],
    [`--title "a b" --x='c "d"'`, ["--title", "a b", `--x=c "d"`]],
    [String.raw`a\ b "c\"d" 'e\f'`, ["a b", `c"d`, String.raw`e\f`]],
    [`-r ""`, ["-r", ""]],
  ])("%j are split as a shell does", (line, words) => {
    expect(splitArguments(line)).toEqual(words);
  });

  test.each([`--title "a b`, `it's`, "ends with \\"])("%j has no end", (line) => {
    expect(() => splitArguments(line)).toThrow("a quote without an end");
  });
});
