import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";

import { readRendering, strayRenderings, writeRendering } from "../../review/files";
import { safe } from "../../review/layout";
import { placeholder } from "../../review/placeholder";
import { kubernetesModel } from "../../review/recording/models/kubernetes";
import { record } from "../../review/recording/recording";
import { render, type Rendering } from "../../review/render";
import { resolvedConfig } from "../../review/stack";

const spec = { selector: {}, template: { metadata: {}, spec: { containers: [] } } };

class Group extends pulumi.ComponentResource {
  constructor(name: string, outputs: pulumi.Inputs = {}, opts?: pulumi.ComponentResourceOptions) {
    super("test:index:Group", name, {}, opts);
    this.registerOutputs(outputs);
  }
}

class Thing extends pulumi.CustomResource {
  declare readonly address: pulumi.Output<string>;

  constructor(name: string, props: pulumi.Inputs, opts?: pulumi.CustomResourceOptions) {
    super("test:index:Thing", name, { address: undefined, ...props }, opts);
  }
}

class Shouting extends pulumi.CustomResource {
  constructor(name: string) {
    super("test:index:THING", name, {});
  }
}

const model = {
  resources: {
    ...kubernetesModel,
    "kubernetes:core/v1:Secret": () => ({}),
    "test:index:Thing": () => ({ computed: { address: "10.0.0.1" } }),
    "test:index:THING": () => ({}),
  },
  functions: {},
};

async function rendered(program: () => pulumi.Inputs): Promise<Rendering> {
  const recording = await record(() => Promise.resolve(program()), {
    mode: "update",
    standIn: placeholder,
    model,
  });
  return render(recording, { some: "config" });
}

const json = (rendering: Rendering, file: string) =>
  JSON.parse(rendering.get(file) ?? "null") as { inputs: unknown; outputs?: unknown };

describe("a rendering", () => {
  it("puts each resource into the folder of its component, named without what the folders say", async () => {
    const files = await rendered(() => {
      const cluster = new Group("cluster");
      const network = new Group("cluster-network", {}, { parent: cluster });
      const thing = new Thing("cluster-network-a", {}, { parent: network });
      new Thing("cluster-network-a-b", {}, { parent: thing });
      return {};
    });
    expect([...files.keys()].slice(3)).toEqual([
      "cluster/component.json",
      "cluster/network/a/cluster-network-a-b.Thing.json",
      "cluster/network/cluster-network-a.Thing.json",
      "cluster/network/component.json",
    ]);
  });

  it("shows what only a provider can tell by where it comes from", async () => {
    const files = await rendered(() => {
      const a = new Thing("a", {});
      new Thing("b", { url: pulumi.interpolate`http://${a.address}/`, ref: a.id, whole: a });
      return { address: a.address };
    });
    expect(json(files, "b.Thing.json").inputs).toEqual({
      url: "http://<Thing a.address>/",
      ref: "<Thing a.id>",
      whole: "<Thing a>",
    });
    expect(files.get("outputs.yaml")).toBe("address: <Thing a.address>\n");
  });

  it("shows JSON in a text as data, and no other text", async () => {
    const files = await rendered(() => {
      new Thing("a", { policy: '{"b":[1]}', text: "{not json", name: "[x" });
      return {};
    });
    expect(json(files, "a.Thing.json").inputs).toEqual({
      policy: { $json: { b: [1] } },
      text: "{not json",
      name: "[x",
    });
  });

  it("gives an object that Pulumi names the name by which others refer to it", async () => {
    const files = await rendered(() => {
      const map = new k8s.core.v1.ConfigMap("content", { data: { a: "1" } });
      new k8s.core.v1.ConfigMap("user", {
        metadata: { name: "fixed" },
        data: { of: map.metadata.name },
      });
      return {};
    });
    const manifest = (file: string) => parse(files.get(file) ?? "") as { metadata: unknown };
    expect(manifest("content.ConfigMap.yaml").metadata).toEqual({ name: "content-xxxxxxxx" });
    expect(manifest("user.ConfigMap.yaml")).toMatchObject({
      metadata: { name: "fixed" },
      data: { of: "content-xxxxxxxx" },
    });
  });

  it("tells parent, dependencies and options in the tree, and no alias of a library", async () => {
    const files = await rendered(() => {
      const group = new Group("group");
      const map = new k8s.core.v1.ConfigMap("map", {}, { parent: group });
      new Thing(
        "b",
        {},
        { dependsOn: map, protect: true, retainOnDelete: true, aliases: [{ name: "old" }] },
      );
      new k8s.apps.v1.Deployment("web", { spec }, { parent: group });
      return {};
    });
    expect(parse(files.get("tree.yaml") ?? "")).toEqual({
      "pulumi:pulumi:Stack drydock-test": {
        children: {
          "test:index:Group group": {
            file: "group/component.json",
            children: {
              "kubernetes:apps/v1:Deployment web": { file: "group/web.Deployment.yaml" },
              "kubernetes:core/v1:ConfigMap map": { file: "group/map.ConfigMap.yaml" },
            },
          },
          "test:index:Thing b": {
            file: "b.Thing.json",
            options: {
              protect: true,
              retainOnDelete: true,
              aliases: [{ name: "old", parent: expect.any(String) as string }],
            },
            dependsOn: ["kubernetes:core/v1:ConfigMap map"],
          },
        },
      },
    });
  });
});

describe("a secret", () => {
  const canary = "correct-horse-battery\nstaple";
  const forms = [
    canary,
    JSON.stringify(canary).slice(1, -1),
    Buffer.from(canary).toString("base64"),
  ];

  it("is in no file, wherever it stands", async () => {
    const files = await rendered(() => {
      const secret = pulumi.secret(canary);
      const group = new Group("group", { address: secret });
      new Thing("alone", { secret, list: [secret], map: { deep: { secret } } });
      new Thing("within", { url: pulumi.interpolate`https://me:${secret}@host/` });
      new Thing("as-json", { policy: pulumi.jsonStringify({ token: secret }) });
      // What a program does not mark is found by its text all the same.
      new Thing("unmarked", { text: `password=${canary}`, nested: JSON.stringify({ canary }) });
      new Thing("as-key", { map: { [canary]: 1 } });
      new k8s.core.v1.Secret("tls", { stringData: { key: secret } }, { parent: group });
      new k8s.core.v1.Secret("encoded", { data: { key: Buffer.from(canary).toString("base64") } });
      new k8s.core.v1.ConfigMap("map", { data: { file: `a: ${canary}` } });
      return { secret, url: pulumi.interpolate`x-${secret}` };
    });
    const holding = [...files].filter(([, text]) => forms.some((form) => text.includes(form)));
    expect(holding.map(([file]) => file)).toEqual([]);
    expect(json(files, "within.Thing.json").inputs).toEqual({ url: "[secret]" });
    expect(json(files, "unmarked.Thing.json").inputs).toMatchObject({ text: "password=[secret]" });
    expect(parse(files.get("group/tls.Secret.yaml") ?? "")).toMatchObject({
      kind: "Secret",
      stringData: { key: "[secret]" },
    });
    expect(parse(files.get("encoded.Secret.yaml") ?? "")).toMatchObject({
      stringData: { key: "[secret]" },
    });
  });

  it("of a stack file is not read, and not repeated where it does not fit", () => {
    const config = {
      "drydock:cluster": { kind: "local", name: "dev", kubernetesVersion: "1.36" },
      "drydock:apps": { nginx: { replicas: "[secret]" } },
    };
    expect(() => resolvedConfig(config)).toThrow("beside a secret no value is shown");
  });
});

describe("a file name", () => {
  it("is the resource's where every file system takes that", () => {
    expect(safe("cluster-network.a_B1")).toBe("cluster-network.a_B1");
  });

  it.each(["a/b", "..", ".hidden", "a:b", "con", "NUL.txt", "ü", "", "dot.", "x".repeat(300)])(
    "is another one for %s, and ends in a hash",
    (name) => {
      expect(safe(name)).toMatch(/^[\w.-]{0,80}~[0-9a-f]{8}$/);
      expect(safe(name)).not.toBe(safe(`${name}?`));
    },
  );

  it("is another one where only case or type's module tells two apart", async () => {
    const files = await rendered(() => {
      new Thing("a", {});
      new Thing("A", {});
      new Shouting("a");
      return {};
    });
    const names = [...files.keys()].slice(3);
    expect(names).toHaveLength(3);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(3);
  });
});

describe("the files of a rendering", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "drydock-render-"));
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  it("are these and no other: what is gone goes, with its folders", () => {
    const first: Rendering = new Map([
      ["a/b/c.json", "1"],
      ["a/d.json", "2"],
    ]);
    writeRendering("dev", first, folder);
    expect(readRendering("dev", folder)).toEqual(first);
    const second: Rendering = new Map([["e.yaml", "3"]]);
    writeRendering("dev", second, folder);
    expect(readRendering("dev", folder)).toEqual(second);
    expect(fs.readdirSync(path.join(folder, "dev"))).toEqual(["e.yaml"]);
    expect(strayRenderings(["prod"], folder)).toEqual(["dev"]);
    writeRendering("dev", new Map(), folder);
    expect(fs.existsSync(path.join(folder, "dev"))).toBe(false);
  });

  it("are read the same whatever ends their lines", () => {
    fs.mkdirSync(path.join(folder, "dev"), { recursive: true });
    fs.writeFileSync(path.join(folder, "dev", "a.yaml"), "a: 1\r\n");
    expect(readRendering("dev", folder).get("a.yaml")).toBe("a: 1\n");
  });
});
