import {
  isMap,
  type PropertyMap,
  type PropertyValue,
  Secret,
  Unknown,
} from "../toolchain/plugin/values";
import { kindOf } from "./placeholder";
import type { Recording } from "./recording/recorder";
import { ENCRYPTED } from "./recording/stack-file";

/** The same as an encrypted value of a stack file reads as. */
export const SECRET = ENCRYPTED;

/** A shorter text would be found in others that have nothing to do with it. */
const SHORTEST = 8;

/** Plain data, as it is shown. */
export type Shown = null | boolean | number | string | Shown[] | { [key: string]: Shown };

/** Turns a value into what may be shown of it. */
export type Show = (value: PropertyValue) => Shown;

/**
 * Shows `[secret]` in the place of each secret of a recording, and of each other text that has come to
 * hold one; maps are in the order of their keys.
 */
export function masking({ resources, outputs }: Recording): Show {
  const maps = resources.flatMap(({ inputs, outputs: own = {} }) => [inputs, own]);
  const texts = [...maps, outputs].flatMap((map) => secretTexts(map));
  // The longest first: one may be a part of another.
  const secrets = [...new Set(texts)].sort((a, b) => b.length - a.length);
  const scrub = (text: string) =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, SECRET), text);
  return (value) => shown(value, scrub);
}

function secretTexts(value: PropertyValue, inSecret = false): string[] {
  if (value instanceof Secret) return secretTexts(value.value, true);
  if (typeof value === "string") {
    return inSecret && value.length >= SHORTEST ? [value, ...escaped(value)] : [];
  }
  if (!Array.isArray(value) && !isMap(value)) return [];
  return Object.values(value).flatMap((child: PropertyValue) => secretTexts(child, inSecret));
}

/** As a text stands in JSON, and in a Kubernetes Secret. */
function escaped(text: string): string[] {
  return [JSON.stringify(text).slice(1, -1), Buffer.from(text).toString("base64")];
}

function shown(value: PropertyValue, scrub: (text: string) => string): Shown {
  if (value instanceof Secret) return SECRET;
  if (value instanceof Unknown) return "<unknown>";
  if (typeof value === "string") return scrub(value);
  if (Array.isArray(value)) return value.map((child) => shown(child, scrub));
  if (!isMap(value)) return value;
  const resource = referenced(value);
  if (resource !== undefined) return resource;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, child]) => [scrub(key), shown(child, scrub)]),
  );
}

/** The SDK hands a whole resource over as a map that holds its URN. */
function referenced({ urn, ...rest }: PropertyMap): string | undefined {
  const isReference = Object.values(rest).includes("5cf8f73096256a8f31e491e813e4eb8e");
  if (!isReference || typeof urn !== "string") return undefined;
  const [, , types = "", name = ""] = urn.split("::");
  return `<${kindOf(types)} ${name}>`;
}
