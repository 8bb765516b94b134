import * as fs from "node:fs";
import * as path from "node:path";

import { describe, expect, it } from "vitest";
import { z } from "zod";

import { stackFileSchema, stackFileSchemaText } from "../../config/json-schema";
import { root, stackFile } from "../../review/recording/stack-file";

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

  it.each(["Pulumi.dev.yaml", "Pulumi.prod.yaml", "examples/Pulumi.small.yaml"])(
    "is named by %s, for editors",
    (stack) => {
      const text = fs.readFileSync(path.join(root, stack), "utf8");
      const name = /^# yaml-language-server: \$schema=(\S+)$/m.exec(text)?.[1];
      expect(path.resolve(root, path.dirname(stack), name ?? "")).toBe(file);
    },
  );

  it.each(["dev", "prod", "small"])("accepts the file of the stack %s", (stack) => {
    expect(accepts(stackFile(stack))).toBe(true);
  });

  it("refuses a region beside aws:region", () => {
    const { config } = stackFile("prod");
    const cluster = { ...(config["drydock:cluster"] as object), region: "eu-central-1" };
    expect(accepts({ config: { ...config, "drydock:cluster": cluster } })).toBe(false);
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
