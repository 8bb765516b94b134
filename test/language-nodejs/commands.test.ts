import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { typescriptProject, Workbench } from "./support";

const canary = "canary-5f1d3c";

const program = `
  import * as pulumi from "@pulumi/pulumi";

  class Thing extends pulumi.CustomResource {
    declare readonly text: pulumi.Output<string>;
    constructor(name: string, args: { text: pulumi.Input<string> }, opts?: pulumi.CustomResourceOptions) {
      super("demo:index:Thing", name, args, { version: "1.0.0", ...opts });
    }
  }

  class Group extends pulumi.ComponentResource {
    readonly first: Thing;
    constructor(name: string, text: pulumi.Input<string>) {
      super("demo:index:Group", name);
      this.first = new Thing(name + "-first", { text }, { parent: this });
      this.registerOutputs({ first: this.first.text });
    }
  }

  const config = new pulumi.Config();
  const limits = config.requireObject<{ cpu: number }>("limits");
  const group = new Group("group", config.require("greeting"));
  const hidden = new Thing("hidden", { text: config.requireSecret("token") });

  export const greeting = group.first.text;
  export const cpu = limits.cpu;
  export const token = hidden.text;
  export const tokenLength = pulumi.unsecret(config.requireSecret("token").apply((text) => text.length));
  export const where = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
  export const rootedHere = pulumi.runtime.getRootDirectory?.() === process.cwd();
`;

let bench: Workbench;
const seen: string[] = [];

/** Runs a command that must end well, and keeps all it printed for the search of secrets. */
async function pulumi(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await bench.pulumi(...args);
  seen.push(stdout, stderr);
  expect(code, stdout + stderr).toBe(0);
  return stdout;
}

beforeAll(async () => {
  bench = await Workbench.create();
  await bench.installProvider("demo", "1.0.0", "test/language-nodejs/fixtures/provider.ts");
  await bench.write(typescriptProject(program));
});

afterAll(() => bench.dispose());

describe("a TypeScript program through the CLI", () => {
  test("preview, with the configuration the stack has", async () => {
    await pulumi("stack", "init", "dev");
    await pulumi("config", "set", "greeting", "hello");
    await pulumi("config", "set", "--path", "limits.cpu", "4");
    await pulumi("config", "set", "--secret", "token", canary);
    const output = await pulumi("preview");
    expect(output).toContain('greeting   : "hello"');
    expect(output).toContain("token      : [secret]");
    expect(output).toContain("+ 4 to create");
  });

  test("up, and outputs", async () => {
    expect(await pulumi("up", "--yes")).toContain("+ 4 created");
    expect(JSON.parse(await pulumi("stack", "output", "--json"))).toEqual({
      greeting: "hello",
      cpu: 4,
      token: "[secret]",
      tokenLength: canary.length,
      where: "organization/demo/dev",
      rootedHere: true,
    });
  });

  test("a second preview has no changes, a changed value is an update", async () => {
    expect(await pulumi("preview", "--expect-no-changes")).toContain("4 unchanged");
    await pulumi("config", "set", "greeting", "good day");
    expect(await pulumi("up", "--yes")).toContain("~ 1 updated");
  });

  test("refresh", async () => {
    expect(await pulumi("refresh", "--yes")).toContain("4 unchanged");
    expect(await pulumi("refresh", "--yes", "--run-program")).toContain("4 unchanged");
  });

  test("import", async () => {
    const output = await pulumi(
      ...["import", "demo:index:Thing", "imported", "found", "--yes"],
      ...["--generate-code=false", "--protect=false"],
    );
    expect(output).toContain("= 1 imported");
    const state = JSON.parse(await pulumi("stack", "export")) as {
      deployment: { resources: { urn: string; inputs?: object }[] };
    };
    const imported = state.deployment.resources.find(({ urn }) => urn.endsWith("::imported"));
    expect(imported?.inputs).toMatchObject({ text: "found" });
  });

  test("about names the runtime, the provider plugins and the dependencies", async () => {
    const about = JSON.parse(await pulumi("about", "--json")) as {
      runtime: { language: string; executable: string; version: string };
      dependencies: { name: string; version: string }[];
      plugins: { kind: string; name: string }[];
    };
    expect(about.runtime).toMatchObject({ language: "nodejs", version: process.version });
    expect(about.dependencies).toEqual([{ name: "@pulumi/pulumi", version: "3.270.0" }]);
    expect(about.plugins).toContainEqual(
      expect.objectContaining({ kind: "language", name: "nodejs" }),
    );
  });

  test("destroy leaves nothing", async () => {
    expect(await pulumi("destroy", "--yes")).toContain("- 5 deleted");
    expect(await bench.processes()).toEqual([]);
  });

  test("the secret is in no output and in no file", async () => {
    expect(seen.join("\n")).not.toContain(canary);
    expect(await bench.filesWith(canary)).toEqual([]);
  });

  test("no plugin was taken from PATH", () => {
    expect(seen.join("\n")).not.toContain("from $PATH");
  });
});
