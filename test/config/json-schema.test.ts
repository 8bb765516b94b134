import * as fs from "node:fs";
import * as path from "node:path";

import { describe, expect, it } from "vitest";
import { z } from "zod";

import { stackFileSchema, stackFileSchemaText } from "../../config/json-schema";
import { root, stackFile } from "../support/stack-file";

const file = path.join(root, "schema/pulumi-stack.schema.json");
const accepts = (value: unknown) => z.fromJSONSchema(stackFileSchema()).safeParse(value).success;

interface Node {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly oneOf?: readonly Node[];
}

/** The key paths below a node that an editor would show without a word. */
function undocumented(node: Node, key: string): string[] {
  const values =
    typeof node.additionalProperties === "object" ? { "<name>": node.additionalProperties } : {};
  const children = Object.entries({ ...node.properties, ...values });
  return [
    ...(node.description === undefined ? [key] : []),
    ...(node.oneOf ?? []).flatMap((variant) => undocumented(variant, key)),
    ...children.flatMap(([name, child]) => undocumented(child, `${key}.${name}`)),
  ];
}

describe("the JSON schema of the stack files", () => {
  it("is committed as `npm run schema` writes it", () => {
    expect(fs.readFileSync(file, "utf8")).toBe(stackFileSchemaText());
  });

  it("is named by Pulumi.dev.yaml, for editors", () => {
    const text = fs.readFileSync(path.join(root, "Pulumi.dev.yaml"), "utf8");
    const name = /^# yaml-language-server: \$schema=(\S+)$/m.exec(text)?.[1];
    expect(path.resolve(root, name ?? "")).toBe(file);
  });

  it("accepts Pulumi.dev.yaml", () => {
    expect(accepts(stackFile("dev"))).toBe(true);
  });

  it.each([
    ["misspelt section", { "drydock:ap": {} }],
    ["misspelt key", { "drydock:apps": { nginx: { replcas: 3 } } }],
    ["value out of range", { "drydock:apps": { nginx: { replicas: -1 } } }],
    ["wrong type", { "drydock:apps": { nginx: { replicas: "3" } } }],
    ["unknown kind", { "drydock:cluster": { kind: "lokal", name: "dev" } }],
  ])("refuses a %s", (_, change) => {
    expect(accepts({ config: { ...stackFile("dev").config, ...change } })).toBe(false);
  });

  it("documents every key", () => {
    const { config } = stackFileSchema().properties as Record<string, Node>;
    const sections = Object.entries(config?.properties ?? {});
    expect(sections.map(([key]) => key)).toEqual([
      "drydock:cluster",
      "drydock:platform",
      "drydock:apps",
    ]);
    expect(sections.flatMap(([key, node]) => undocumented(node, key))).toEqual([]);
  });
});
