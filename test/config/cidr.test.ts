import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  addresses,
  type Cidr,
  formatCidr,
  MOST_ZONES,
  overlap,
  parseCidr,
  part,
  planSubnets,
  VPC_PREFIXES,
} from "../../config/cidr";

const cidrs = (min: number, max: number): fc.Arbitrary<Cidr> =>
  fc.record({ prefix: fc.integer({ min, max }), block: fc.nat() }).map(({ prefix, block }) => ({
    prefix,
    address: (block % 2 ** prefix) * 2 ** (32 - prefix),
  }));

describe("a range of addresses", () => {
  it.each([
    ["10.0.0.0/16", 65_536],
    ["0.0.0.0/0", 2 ** 32],
    ["255.255.255.255/32", 1],
  ])("%s has %d addresses", (text, count) => {
    expect(addresses(parseCidr(text))).toBe(count);
    expect(formatCidr(parseCidr(text))).toBe(text);
  });

  it("begins at the first address of its prefix", () => {
    expect(formatCidr(parseCidr("10.1.2.3/16"))).toBe("10.1.0.0/16");
  });

  it("is the same after it was written and read", () => {
    fc.assert(
      fc.property(cidrs(0, 32), (cidr) => {
        expect(parseCidr(formatCidr(cidr))).toEqual(cidr);
      }),
    );
  });

  it.each([
    ["10.0.0.0/16", "10.0.255.0/24", true],
    ["10.0.0.0/16", "10.1.0.0/16", false],
    ["0.0.0.0/0", "203.0.113.7/32", true],
  ])("%s and %s overlap: %s", (a, b, expected) => {
    expect(overlap(parseCidr(a), parseCidr(b))).toBe(expected);
    expect(overlap(parseCidr(b), parseCidr(a))).toBe(expected);
  });

  it("overlaps with another one exactly where they share an address", () => {
    const share = (a: Cidr, b: Cidr) => {
      const shorter = Math.min(a.prefix, b.prefix);
      const network = ({ address }: Cidr) => Math.floor(address / 2 ** (32 - shorter));
      return network(a) === network(b);
    };
    fc.assert(
      fc.property(cidrs(0, 12), cidrs(0, 12), (a, b) => {
        expect(overlap(a, b)).toBe(share(a, b));
      }),
    );
  });

  it("has parts that fill it and do not overlap", () => {
    fc.assert(
      fc.property(cidrs(8, 24), fc.integer({ min: 0, max: 4 }), (whole, bits) => {
        const prefix = whole.prefix + bits;
        const parts = Array.from({ length: 2 ** bits }, (_, index) => part(whole, prefix, index));
        expect(parts.reduce((sum, one) => sum + addresses(one), 0)).toBe(addresses(whole));
        expect(parts.every((one) => overlap(one, whole))).toBe(true);
        const clashes = parts.flatMap((a, i) => parts.slice(i + 1).filter((b) => overlap(a, b)));
        expect(clashes).toEqual([]);
      }),
    );
  });

  it("has no part beyond its end", () => {
    expect(() => part(parseCidr("10.0.0.0/16"), 18, 4)).toThrow(
      "10.0.0.0/16 has no part 4 of /18.",
    );
    expect(() => part(parseCidr("10.0.0.0/16"), 15, 0)).toThrow(RangeError);
  });
});

describe("the plan of subnets", () => {
  const zones = ["a", "b", "c", "d"].slice(0, MOST_ZONES);
  const vpcs = cidrs(VPC_PREFIXES.min, VPC_PREFIXES.max).map(formatCidr);
  const counts = fc.integer({ min: 1, max: zones.length });

  it("of 10.0.0.0/16 over three zones is this one", () => {
    expect(planSubnets("10.0.0.0/16", ["a", "b", "c"])).toEqual({
      a: { private: "10.0.0.0/19", public: "10.0.128.0/20", intra: "10.0.192.0/20" },
      b: { private: "10.0.32.0/19", public: "10.0.144.0/20", intra: "10.0.208.0/20" },
      c: { private: "10.0.64.0/19", public: "10.0.160.0/20", intra: "10.0.224.0/20" },
    });
  });

  it("keeps every subnet inside of the VPC and apart from the others", () => {
    fc.assert(
      fc.property(vpcs, counts, (vpc, count) => {
        const plan = planSubnets(vpc, zones.slice(0, count));
        const subnets = Object.values(plan).flatMap((one) => Object.values(one).map(parseCidr));
        const whole = parseCidr(vpc);
        const end = ({ address, prefix }: Cidr) => address + addresses({ prefix });
        expect(subnets).toHaveLength(3 * count);
        expect(subnets.every((one) => one.address >= whole.address && end(one) <= end(whole))).toBe(
          true,
        );
        const clashes = subnets.flatMap((a, i) =>
          subnets.slice(i + 1).filter((b) => overlap(a, b)),
        );
        expect(clashes).toEqual([]);
      }),
    );
  });

  it("moves nothing when a zone is added at the end", () => {
    fc.assert(
      fc.property(vpcs, counts, (vpc, count) => {
        const before = planSubnets(vpc, zones.slice(0, count));
        expect(planSubnets(vpc, zones)).toMatchObject(before);
      }),
    );
  });

  it("gives nodes and pods of a zone at least the 256 addresses of a /24", () => {
    fc.assert(
      fc.property(vpcs, (vpc) => {
        const sizes = Object.values(planSubnets(vpc, zones)).map((one) =>
          addresses(parseCidr(one.private)),
        );
        expect(Math.min(...sizes)).toBeGreaterThanOrEqual(256);
      }),
    );
  });
});
