import { describe, expect, it } from "vitest";

import { differences, shortened } from "../../review/diff";
import type { Rendering } from "../../review/render";
import { yamlText } from "../../review/yaml";

const deployment = (replicas: number, changes: object = {}) =>
  yamlText({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "nginx", namespace: "web", ...changes },
    spec: { replicas, args: ["a", "b"] },
  });
const bucket = (inputs: object) =>
  JSON.stringify({ type: "aws:s3/bucket:Bucket", name: "logs", inputs });
const rendering = (texts: Readonly<Record<string, string>>): Rendering =>
  new Map(Object.entries(texts));
const diff = (before: Record<string, string>, after: Record<string, string>) =>
  differences(rendering(before), rendering(after));

describe("the differences of two renderings", () => {
  it("are none where both are the same", () => {
    expect(diff({ "a/x.yaml": deployment(3) }, { "a/x.yaml": deployment(3) })).toEqual([]);
  });

  it("name an object as kubectl does, and a field by its path", () => {
    expect(diff({ "a/x.yaml": deployment(3) }, { "a/x.yaml": deployment(4) })).toEqual([
      "~ apps/v1/Deployment web/nginx: spec.replicas 3 -> 4",
    ]);
  });

  it("tell of resources that came and went", () => {
    const before = { "a/logs.json": bucket({}) };
    const after = { "b/x.yaml": deployment(1) };
    expect(diff(before, after)).toEqual([
      "- aws:s3/bucket:Bucket logs",
      "+ apps/v1/Deployment web/nginx",
    ]);
  });

  it("tell of keys and items that came and went", () => {
    const labels = { labels: { "app.kubernetes.io/name": "nginx" } };
    expect(diff({ "a/x.yaml": deployment(1) }, { "a/x.yaml": deployment(1, labels) })).toEqual([
      `~ apps/v1/Deployment web/nginx: metadata.labels + {"app.kubernetes.io/name":"nginx"}`,
    ]);
    const names = (...zones: string[]) => ({ "a/logs.json": bucket({ zones }) });
    expect(diff(names("a", "b"), names("b", "c", "d"))).toEqual([
      "~ aws:s3/bucket:Bucket logs: inputs.zones - a",
      "~ aws:s3/bucket:Bucket logs: inputs.zones + c",
      "~ aws:s3/bucket:Bucket logs: inputs.zones + d",
    ]);
    expect(diff(names("a", "b"), names("b", "a"))).toHaveLength(2);
    expect(diff(names("a", "a"), names("a"))).toEqual([
      "~ aws:s3/bucket:Bucket logs: inputs.zones 2 -> 1 items",
    ]);
  });

  it("show of a long text the line, and of a long value its ends", () => {
    const page = (line: string) => ({ "a/logs.json": bucket({ page: `<p>\n${line}\n</p>` }) });
    expect(diff(page("one"), page("two"))).toEqual([
      "~ aws:s3/bucket:Bucket logs: inputs.page line 2: one -> two",
    ]);
    const [line = ""] = diff(page("x".repeat(500)), page("y".repeat(500)));
    expect(line.length).toBeLessThan(200);
  });

  it("tell from the tree what became of options and parents", () => {
    const tree = (options: object) => ({ "tree.yaml": yamlText({ "a:b:C c": { options } }) });
    expect(diff(tree({ protect: true }), tree({}))).toEqual(["~ a:b:C c: options.protect - true"]);
    const below = (parent: string) => ({
      "tree.yaml": yamlText({ one: { children: {} }, [parent]: { children: { "a:b:C c": {} } } }),
    });
    expect(diff(below("two"), below("three"))).toEqual(["~ a:b:C c: parent two -> three"]);
  });

  it("tell of a file that somebody wrote by hand", () => {
    const text = deployment(3);
    expect(diff({ "a/x.yaml": `# mine\n${text}` }, { "a/x.yaml": text })).toEqual([
      "~ a/x.yaml: the layout of the file",
    ]);
    expect(diff({ "a/x.yaml": "{{" }, { "a/x.yaml": text })).toEqual([
      "~ a/x.yaml: cannot be read",
    ]);
  });

  it("are cut where they are many", () => {
    expect(shortened(["a", "b", "c"], 2)).toEqual(["a", "b", "... and 1 more"]);
    expect(shortened(["a", "b"], 2)).toEqual(["a", "b"]);
  });
});
