import { describe, expect, it } from "vitest";

import { checkInputs } from "../../toolchain/kubernetes/inputs";
import { isAutonamed, randomName } from "../../toolchain/kubernetes/naming";
import { Scopes } from "../../toolchain/kubernetes/scope";
import { Secret, UNKNOWN, type CheckRequest, type PropertyMap } from "../../toolchain/plugin/serve";

const SEED = Buffer.alloc(32, 1);
const NAMESPACED = { defaultNamespace: "team", namespaced: true };

function check(news: PropertyMap, request: Partial<CheckRequest> = {}, context = NAMESPACED) {
  const type = "kubernetes:core/v1:ConfigMap";
  const base = { urn: `urn:pulumi:s::p::${type}::web`, type, name: "web", olds: {} };
  return checkInputs({ ...base, randomSeed: SEED, news, ...request }, context);
}

describe("inputs", () => {
  it("get kind, namespace and a marked name; nulls are left out, the rest stays", () => {
    const { inputs, failures } = check({ data: { a: "1", b: null }, metadata: { labels: {} } });
    expect(failures).toEqual([]);
    expect(inputs).toEqual({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: {
        labels: {},
        name: randomName("web", SEED),
        namespace: "team",
        annotations: { "pulumi.com/autonamed": "true" },
      },
      data: { a: "1" },
    });
  });

  it("keep a declared name and namespace, and a generateName for the server to use", () => {
    expect(check({ metadata: { name: "a", namespace: "b" } }).inputs.metadata).toEqual({
      name: "a",
      namespace: "b",
    });
    expect(check({ metadata: { generateName: "a-" } }).inputs.metadata).toEqual({
      generateName: "a-",
      namespace: "team",
    });
  });

  it("add no namespace where the scope is the cluster or not known", () => {
    const context = { defaultNamespace: "team", namespaced: false };
    expect(check({ metadata: { name: "a" } }, {}, context).inputs.metadata).toEqual({ name: "a" });
  });

  it("keep an automatic name, but not after the program names the object", () => {
    const olds = check({}).inputs;
    expect(isAutonamed(olds)).toBe(true);
    expect(check({}, { olds, randomSeed: Buffer.alloc(32, 9) }).inputs).toEqual(olds);
    const named = check({ metadata: { name: "a" } }, { olds }).inputs;
    expect(isAutonamed(named)).toBe(false);
    expect(check({}, { olds: named }).inputs.metadata).toMatchObject({
      name: randomName("web", SEED),
    });
  });

  it("follow the stack's configuration of names", () => {
    const autonaming = { mode: "enforce", proposedName: "as-configured" } as const;
    expect(check({}, { autonaming }).inputs.metadata).toMatchObject({ name: "as-configured" });
    const off = check({}, { autonaming: { mode: "disable", proposedName: "" } });
    expect(off.failures.map(({ property }) => property)).toEqual(["metadata.name"]);
  });

  it("stay as they are where metadata is unknown, and name it in a secret one", () => {
    expect(check({ metadata: UNKNOWN }).inputs.metadata).toBe(UNKNOWN);
    const { metadata } = check({ metadata: new Secret({ name: "a" }) }).inputs;
    expect(metadata).toEqual(new Secret({ name: "a", namespace: "team" }));
    expect(check({ metadata: "text" }).failures).toEqual([
      { property: "metadata", reason: "must be an object" },
    ]);
  });

  it("turn a Secret's stringData into secret data", () => {
    const type = "kubernetes:core/v1:Secret";
    const news = { data: { a: "eA==", b: "eA==" }, stringData: { b: "y", c: UNKNOWN } };
    const { inputs } = check({ ...news, metadata: { name: "s" } }, { type });
    expect(inputs.data).toEqual(new Secret({ a: "eA==", b: "eQ==", c: UNKNOWN }));
    expect(inputs).not.toHaveProperty("stringData");
    expect(check({ stringData: UNKNOWN }, { type }).inputs.data).toEqual(new Secret(UNKNOWN));
    expect(check({ stringData: { a: 1 } }, { type }).failures).toEqual([
      { property: "stringData.a", reason: "must be a string" },
    ]);
  });
});

describe("random names", () => {
  it("are the same for the same seed and differ otherwise", () => {
    expect(randomName("web", SEED)).toMatch(/^web-[0-9a-f]{8}$/);
    expect(randomName("web", SEED)).toBe(randomName("web", SEED));
    expect(randomName("web", Buffer.alloc(32, 2))).not.toBe(randomName("web", SEED));
    expect(randomName("web", new Uint8Array())).not.toBe(randomName("web", new Uint8Array()));
  });

  it("fit into a DNS label", () => {
    expect(randomName("x".repeat(80), SEED)).toMatch(/^x{54}-[0-9a-f]{8}$/);
  });
});

describe("scopes", () => {
  it("are known for built-in kinds and for kinds the program defines", () => {
    const scopes = new Scopes();
    expect(scopes.isNamespaced("v1", "Namespace")).toBe(false);
    expect(scopes.isNamespaced("v1", "Pod")).toBe(true);
    expect(scopes.isNamespaced("example.com/v1", "Boat")).toBeUndefined();
    scopes.learn({
      kind: "CustomResourceDefinition",
      spec: { group: "example.com", names: { kind: "Boat" }, scope: "Cluster" },
    });
    expect(scopes.isNamespaced("example.com/v1", "Boat")).toBe(false);
  });
});
