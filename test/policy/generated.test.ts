import * as fs from "node:fs";
import * as path from "node:path";

import { describe, expect, it } from "vitest";
import { z } from "zod";

import { configSchemaText } from "../../policy/config";
import { documentText } from "../../policy/document";
import { ANNOTATION_PREFIX, TAG_PREFIX } from "../../policy/exceptions";
import { rules } from "../../policy/rules";
import { policies } from "../../policy/pack";
import { root } from "../../review/recording/stack-file";

const read = (name: string) => fs.readFileSync(path.join(root, name), "utf8");

describe("what is generated from the rules", () => {
  it.each([
    ["docs/policies.md", documentText],
    ["schema/policy-config.schema.json", configSchemaText],
  ])("%s is as `npm run docs:policies` writes it", (name, text) => {
    expect(read(name)).toBe(text());
  });

  it("has an entry for every rule: why, which standard, how to fix", () => {
    const text = documentText();
    for (const { id, why, fix, references } of rules) {
      expect(text).toContain(`\n### ${id}\n`);
      for (const part of [why, fix, ...references]) expect(text).toContain(part);
    }
  });
});

describe("the metadata of a rule", () => {
  it("has an id of its own that fits into an annotation and a tag", () => {
    const ids = rules.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) {
      expect(id).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)+$/);
      // Kubernetes: 63 characters after the slash. AWS: 128 in all.
      expect(`${ANNOTATION_PREFIX}${id}`.split("/")[1]?.length).toBeLessThanOrEqual(63);
      expect(`${TAG_PREFIX}${id}`.length).toBeLessThanOrEqual(128);
    }
  });

  it("is whole sentences, and names a standard or a checker", () => {
    for (const { title, why, fix, references, applies } of rules) {
      for (const sentence of [title, why, fix]) expect(sentence).toMatch(/^[A-Za-z].*\.$/);
      expect(references.length).toBeGreaterThan(0);
      expect(applies.length).toBeGreaterThan(0);
    }
  });

  it("is handed to the engine", () => {
    for (const policy of policies(() => "2026-12-01")) {
      expect(policy.description).not.toBe("");
      expect(policy.remediationSteps).not.toBe("");
      expect(["advisory", "mandatory"]).toContain(policy.enforcementLevel);
      // What `policy/no-remediation.ts` takes for granted.
      expect(policy).not.toHaveProperty("remediateResource");
      expect(policy.url).toBe(`docs/policies.md#${policy.name}`);
    }
  });
});

describe("the configuration of a stack", () => {
  const schema = z.fromJSONSchema(
    JSON.parse(configSchemaText()) as Parameters<typeof z.fromJSONSchema>[0],
  );
  const files = fs.readdirSync(path.join(root, "policy/config"));
  const config = (name: string) =>
    JSON.parse(read(`policy/config/${name}`)) as Record<string, unknown>;

  it("is there for dev and for prod", () => {
    expect(files).toEqual(["dev.json", "prod.json"]);
  });

  it.each(files)("%s holds rules, levels and parameters that there are", (name) => {
    expect(schema.safeParse(config(name))).toMatchObject({ success: true });
  });

  // The engine ignores a misspelt rule without a word.
  it.each([
    [{ "container-not-priviledged": "disabled" }],
    [{ "container-not-privileged": "mandtory" }],
    [{ "log-retention-set": { day: 7 } }],
    [{ "log-retention-set": { days: "seven" } }],
  ])("refuses %j", (wrong) => {
    expect(schema.safeParse(wrong).success).toBe(false);
  });

  it("lets nothing of high severity pass in prod", () => {
    const { all, ...levels } = config("prod.json");
    expect(all).toBe("mandatory");
    const loosened = Object.entries(levels).filter(([, level]) => level !== "mandatory");
    const severities = loosened.map(([id]) => rules.find((rule) => rule.id === id)?.severity);
    expect(new Set(severities)).toEqual(new Set(["low"]));
  });
});
