import fc from "fast-check";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { describe, expect, it } from "vitest";

import {
  containsSecret,
  containsUnknown,
  fromStruct,
  isMap,
  Secret,
  toStruct,
  UNKNOWN,
  unwrapSecrets,
  type PropertyMap,
} from "../../toolchain/plugin/values";
import { anyValue } from "./support/any-value";

/** Over the wire and back, so that protobuf's own encoding takes part. */
function roundTrip(map: PropertyMap): PropertyMap {
  return fromStruct(Struct.deserializeBinary(toStruct(map).serializeBinary()));
}

describe("struct conversion", () => {
  it("gives back any value, secrets and unknowns included", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(roundTrip({ value })).toStrictEqual({ value });
      }),
    );
  });

  it("lets no key change a prototype", () => {
    const map = Object.fromEntries([["__proto__", { polluted: true }]]) as PropertyMap;
    expect(Object.getPrototypeOf(roundTrip(map))).toBe(Object.prototype);
  });

  it("leaves out undefined entries", () => {
    const map = { a: 1, b: undefined } as unknown as PropertyMap;
    expect(roundTrip(map)).toEqual({ a: 1 });
  });

  it("reads an absent struct as an empty map", () => {
    expect(fromStruct(undefined)).toEqual({});
  });

  it("writes the engine's own envelope of a secret", () => {
    expect(toStruct({ password: new Secret("s3cret") }).toJavaScript()).toEqual({
      password: {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        value: "s3cret",
      },
    });
  });

  it.each([
    ["string", "04da6b54-80e4-46f7-96ec-b56ff0331ba9"],
    ["boolean", "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"],
    ["number", "3eeb2bf0-c639-47a8-9e75-3b44932eb421"],
    ["array", "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2"],
    ["asset", "030794c1-ac77-496b-92df-f27374a8bd58"],
    ["archive", "e48ece36-62e2-4504-bad9-02848725956a"],
    ["object", "dd056dcd-154b-4c76-9bd3-c8f88648b5ff"],
  ])("reads the mark of an unknown %s", (_type, mark) => {
    expect(fromStruct(Struct.fromJavaScript({ a: [mark] }))).toEqual({ a: [UNKNOWN] });
  });

  it.each([
    [{ value: 1 }, 1],
    [{ value: "x", secret: true, dependencies: ["urn"] }, new Secret("x")],
    [{}, UNKNOWN],
    [{ secret: true }, new Secret(UNKNOWN)],
    [{ value: null }, null],
  ])("reads the output envelope %o", (envelope, expected) => {
    const a = {
      "4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4",
      ...envelope,
    };
    expect(fromStruct(Struct.fromJavaScript({ a }))).toStrictEqual({ a: expected });
  });
});

describe("secrets and unknowns", () => {
  const nested = { a: [{ b: new Secret({ c: new Secret("x"), d: UNKNOWN }) }] };

  it("are found at any depth", () => {
    expect([containsSecret(nested), containsUnknown(nested)]).toEqual([true, true]);
    expect([containsSecret({ a: [1] }), containsUnknown({ a: ["x", null] })]).toEqual([
      false,
      false,
    ]);
  });

  it("are unwrapped at any depth, unknowns kept", () => {
    expect(unwrapSecrets(nested)).toEqual({ a: [{ b: { c: "x", d: UNKNOWN } }] });
  });

  it("leave nothing secret behind, whatever the value", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const clear = unwrapSecrets(value);
        expect(containsSecret(clear)).toBe(false);
        expect(containsUnknown(clear)).toBe(containsUnknown(value));
      }),
    );
  });

  it("are not taken for maps", () => {
    expect([new Secret({}), UNKNOWN, [], null, undefined, {}].map(isMap)).toEqual([
      false,
      false,
      false,
      false,
      false,
      true,
    ]);
  });

  it("show no value when an unknown is turned into text", () => {
    expect(String(UNKNOWN)).toBe("<unknown>");
  });
});
