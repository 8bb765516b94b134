// The SDK unpacks the properties of a resource anew for each policy: with a hundred of them that is nearly
// all that a preview would wait for. They are unpacked once here; the pack's rules change nothing of them.
// eslint-disable-next-line @typescript-eslint/no-require-imports -- the module itself, not a copy of its exports
import deserialize = require("@pulumi/policy/deserialize");

type Unpack = (properties: object, keepSecrets: boolean) => Record<string, unknown>;

const sdk = deserialize as unknown as { deserializeProperties?: Unpack };
const unpack = sdk.deserializeProperties;

// Another version of the SDK may do without it.
if (unpack !== undefined) {
  const unpacked = new WeakMap<object, Record<string, unknown>>();
  sdk.deserializeProperties = (properties, keepSecrets) => {
    if (keepSecrets) return unpack(properties, keepSecrets);
    const known = unpacked.get(properties) ?? unpack(properties, keepSecrets);
    unpacked.set(properties, known);
    return known;
  };
}
