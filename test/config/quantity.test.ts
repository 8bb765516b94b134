import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  bytes,
  cpuPattern,
  formatBytes,
  formatMillicores,
  memoryPattern,
  millicores,
} from "../../config/quantity";

describe("CPU", () => {
  it.each([
    ["250m", 250],
    ["2", 2000],
    ["0.5", 500],
    ["1.125", 1125],
  ])("%s is %i millicores", (text, expected) => {
    expect(cpuPattern.test(text)).toBe(true);
    expect(millicores(text)).toBe(expected);
  });

  it.each(["", "-1", "0m", "1.5m", "2 cores", "1.2345", "01"])("cannot be %j", (text) => {
    expect(cpuPattern.test(text)).toBe(false);
  });

  it("is written so that it is read back as it was", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (value) => {
        const text = formatMillicores(value);
        expect(text).toMatch(cpuPattern);
        expect(millicores(text)).toBe(value);
      }),
    );
  });
});

describe("memory", () => {
  it.each([
    ["64Ki", 65_536],
    ["64Mi", 67_108_864],
    ["2Gi", 2_147_483_648],
  ])("%s is %i bytes", (text, expected) => {
    expect(memoryPattern.test(text)).toBe(true);
    expect(bytes(text)).toBe(expected);
  });

  it.each(["64", "64MB", "64M", "64 Mi", "0Mi", "1.5Gi", "-1Mi"])("cannot be %j", (text) => {
    expect(memoryPattern.test(text)).toBe(false);
  });

  it("is written so that it is read back as it was", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (kibibytes) => {
        const text = formatBytes(kibibytes * 1024);
        expect(text).toMatch(memoryPattern);
        expect(bytes(text)).toBe(kibibytes * 1024);
      }),
    );
  });
});
