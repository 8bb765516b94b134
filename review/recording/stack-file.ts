import * as fs from "node:fs";
import * as path from "node:path";

import { parse } from "yaml";

/** The root of the checkout. */
export const root = path.resolve(__dirname, "../..");

/** What a `secure:` value reads as: nothing that records or renders has the key to it. */
export const ENCRYPTED = "[secret]";

interface StackFile {
  readonly config: Readonly<Record<string, unknown>>;
}

/** Pulumi.<stack>.yaml as data, from the root or from examples/; what is encrypted in it stays unread. */
export function stackFile(stack: string): StackFile {
  const name = `Pulumi.${stack}.yaml`;
  const [file = name] = [name, `examples/${name}`].filter((one) =>
    fs.existsSync(path.join(root, one)),
  );
  const text = fs.readFileSync(path.join(root, file), "utf8");
  return parse(text, (_key, value: unknown) =>
    isEncrypted(value) ? ENCRYPTED : value,
  ) as StackFile;
}

/** A stack file's configuration as Pulumi hands it to a program: maps and lists become JSON. */
export function programConfig(config: StackFile["config"]): Record<string, string> {
  const texts = Object.entries(config).map(([key, value]) => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return Object.fromEntries(texts) as Record<string, string>;
}

function isEncrypted(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const [[key, text] = [], ...more] = Object.entries(value) as [string, unknown][];
  return key === "secure" && typeof text === "string" && more.length === 0;
}
