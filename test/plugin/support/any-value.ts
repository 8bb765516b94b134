import fc from "fast-check";

import { Secret, UNKNOWN, type PropertyValue } from "../../../toolchain/plugin/values";

/** The protobuf library itself drops a __proto__ key. */
const key = fc.string().filter((text) => text !== "__proto__");

export const anyValue = fc.letrec<{ value: PropertyValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true }),
    fc.string({ unit: "grapheme" }),
    fc.constant(UNKNOWN),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    tie("value").map((value) => new Secret(value)),
  ),
})).value;
