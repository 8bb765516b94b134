import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { changesBetween, detailedDiff, markReplacing } from "../../toolchain/kubernetes/diff";
import type { Json } from "../../toolchain/kubernetes/objects";
import { formatPath, parsePath } from "../../toolchain/kubernetes/paths";
import { replacingPaths } from "../../toolchain/kubernetes/replacement";
import { diffResource, type Trial } from "../../toolchain/kubernetes/resource-diff";
import { readSettings } from "../../toolchain/kubernetes/settings";
import { UNKNOWN, type PropertyMap } from "../../toolchain/plugin/serve";

describe("property paths", () => {
  it.each([
    [["spec", "ports", 0, "nodePort"], "spec.ports[0].nodePort"],
    [["metadata", "annotations", "pulumi.com/x"], 'metadata.annotations["pulumi.com/x"]'],
    [["data", "a[0]"], 'data["a[0]"]'],
    [["data", "simple-key_1"], "data.simple-key_1"],
  ])("%j reads %s", (path, text) => {
    expect(formatPath(path)).toBe(text);
    expect(parsePath(text)).toEqual(path);
  });

  it("come back from text, whatever the keys", () => {
    const part = fc.oneof(fc.nat(), fc.string({ unit: "binary" }));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), (path) => {
        expect(parsePath(formatPath(path))).toEqual(path);
      }),
    );
  });
});

const paths = (oldInputs: PropertyMap, news: PropertyMap, live: Json = {}) =>
  detailedDiff(changesBetween(oldInputs, news, () => ({ live }), [])) as Record<
    string,
    { kind: string }
  >;
const kinds = (...args: Parameters<typeof paths>) =>
  Object.fromEntries(Object.entries(paths(...args)).map(([path, { kind }]) => [path, kind]));

describe("changes between declarations", () => {
  it("are found at their exact path", () => {
    const before = { spec: { a: 1, list: [{ x: 1 }, { x: 2 }], gone: true } };
    const after = { spec: { a: 2, list: [{ x: 1 }, { x: 3 }, { x: 4 }], new: { b: 1 } } };
    expect(kinds(before, after)).toEqual({
      "spec.a": "update",
      "spec.list[1].x": "update",
      "spec.list[2]": "add",
      "spec.gone": "delete",
      "spec.new": "add",
    });
  });

  it("do not include a dropped field that no Pulumi manager owns", () => {
    const managedFields = [
      { manager: "kubectl", fieldsV1: { "f:spec": { "f:theirs": {} } } },
      { manager: "pulumi-kubernetes", fieldsV1: { "f:spec": { "f:ours": {} } } },
    ];
    const live = { metadata: { managedFields }, spec: { ours: 1, theirs: 1 } };
    expect(kinds({ spec: { ours: 1, theirs: 1 } }, { spec: {} }, live)).toEqual({
      "spec.ours": "delete",
    });
  });

  it("find the owner inside a list by its key", () => {
    const item = { 'k:{"name":"web"}': { ".": {}, "f:image": {} } };
    const managedFields = [
      { manager: "pulumi-kubernetes-1", fieldsV1: { "f:containers": item } },
      {
        manager: "kubectl",
        fieldsV1: { "f:containers": { 'k:{"name":"side"}': { "f:image": {} } } },
      },
    ];
    const containers = [
      { name: "side", image: "s" },
      { name: "web", image: "w" },
    ];
    const live = { metadata: { managedFields }, containers };
    const bare = { containers: [{ name: "side" }, { name: "web" }] };
    expect(kinds({ containers }, bare, live)).toEqual({ "containers[1].image": "delete" });
  });

  it("replace where a field cannot change, unless it is so already", () => {
    const replacing = [parsePath("spec.selector")];
    const change = (live: Json) =>
      changesBetween(
        { spec: { selector: { a: "1" } } },
        { spec: { selector: { a: "2" } } },
        () => ({ live }),
        replacing,
      );
    expect(change({}).map(({ replaces }) => replaces)).toEqual([true]);
    expect(change({ spec: { selector: { a: "2" } } }).map(({ replaces }) => replaces)).toEqual([
      false,
    ]);
  });

  it("count an unknown value as a change", () => {
    expect(kinds({ a: 1 }, { a: UNKNOWN })).toEqual({ a: "update" });
    const nothing = () => ({ live: {} });
    const [change] = changesBetween({ data: { a: "1" } }, { data: { a: UNKNOWN } }, nothing, [
      ["data"],
    ]);
    expect(change?.replaces).toBe(true);
  });

  it("are none between equal values, whatever they are, without a look at the object", () => {
    const lastSeen = () => expect.fail("It was looked at.");
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), (map) => {
        const before = structuredClone(map) as PropertyMap;
        expect(changesBetween(before, map as PropertyMap, lastSeen, [])).toEqual([]);
      }),
    );
  });

  it("are marked by what the server names", () => {
    const changes = changesBetween({ a: 1, b: 1 }, { a: 2, b: 2 }, () => ({ live: {} }), []);
    expect(markReplacing(changes, [["a"]]).map(({ replaces }) => replaces)).toEqual([true, false]);
  });
});

describe("replacing fields", () => {
  const of = (apiVersion: string, kind: string, settings = {}) =>
    replacingPaths(apiVersion, kind, readSettings(settings, {})).map((path) => formatPath(path));

  it("depend on the kind, not on its version", () => {
    expect(of("apps/v1", "Deployment")).toEqual([
      "metadata.name",
      "metadata.namespace",
      "spec.selector",
    ]);
    expect(of("apps/v1beta2", "Deployment")).toEqual(of("apps/v1", "Deployment"));
    expect(of("example.com/v1", "Deployment")).toEqual(["metadata.name", "metadata.namespace"]);
  });

  it("include the data of ConfigMaps and Secrets unless set otherwise", () => {
    expect(of("v1", "ConfigMap")).toContain("data");
    expect(of("v1", "ConfigMap", { enableConfigMapMutable: true })).not.toContain("data");
    expect(of("v1", "Secret")).toEqual(expect.arrayContaining(["type", "data"]));
    expect(of("v1", "Secret", { enableSecretMutable: "true" })).not.toContain("data");
  });
});

describe("the difference of a resource", () => {
  const inputs = (name: string, value: number): PropertyMap => ({
    apiVersion: "example.com/v1",
    kind: "Boat",
    metadata: { name },
    spec: { value },
  });
  const diff = (news: PropertyMap, trial: Trial) =>
    diffResource(
      {
        urn: "urn",
        type: "type",
        id: "id",
        oldInputs: inputs("a", 1),
        oldOutputs: inputs("a", 1),
        news,
        ignoreChanges: [],
      },
      readSettings({}, {}),
      () => Promise.resolve(trial),
    );

  it("replaces what the server refuses to change, the old object first", async () => {
    expect(await diff(inputs("a", 2), { immutable: ["spec.value"] })).toEqual({
      changes: "some",
      detailedDiff: { "spec.value": { kind: "update-replace", inputDiff: false } },
      deleteBeforeReplace: true,
    });
    // A refusal that names another field is still about this change.
    expect(await diff(inputs("a", 2), { immutable: ["status"] })).toMatchObject({
      detailedDiff: { "spec.value": { kind: "update-replace" } },
    });
  });

  it("is an update where the server says nothing, and none where nothing comes of it", async () => {
    expect(await diff(inputs("a", 2), { immutable: [] })).toMatchObject({
      detailedDiff: { "spec.value": { kind: "update" } },
      deleteBeforeReplace: false,
    });
    const result = { apiVersion: "example.com/v1", kind: "Boat", metadata: {}, spec: { value: 1 } };
    expect(await diff(inputs("a", 2), { immutable: [], result })).toMatchObject({
      changes: "none",
    });
  });

  it("may keep both objects when the name changes", async () => {
    expect(await diff(inputs("b", 1), { immutable: [] })).toMatchObject({
      detailedDiff: { "metadata.name": { kind: "update-replace" } },
      deleteBeforeReplace: false,
    });
  });
});
