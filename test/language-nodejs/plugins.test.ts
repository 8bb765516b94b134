import { symlink } from "node:fs/promises";
import path from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { GONE_MS, javascriptProject, typescriptProject, Workbench } from "./support";
import { eventually } from "../support/eventually";

const canary = "canary-91b7e2";

let bench: Workbench;

beforeAll(async () => {
  bench = await Workbench.create();
  await bench.write(javascriptProject(""));
  await bench.pulumi("stack", "init", "dev");
  await bench.pulumi("config", "set", "--secret", "token", canary);
});

afterAll(() => bench.dispose());

/** A folder plugin: its own package.json and its own way to node_modules. */
async function pluginFolder(
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = bench.path(name);
  await bench.write(files, folder);
  await symlink(path.resolve("node_modules"), path.join(folder, "node_modules"));
  return folder;
}

const nothingRuns = async () => (await bench.processes()).length === 0;

describe("a policy pack given as a folder", () => {
  const pack = (rules: string, constructor = '"names"') => ({
    "PulumiPolicy.yaml": "runtime: nodejs\nversion: 0.0.1\n",
    "package.json": JSON.stringify({ name: "names", version: "0.0.1", main: "index.ts" }),
    "tsconfig.json": typescriptProject("")["tsconfig.json"] ?? "",
    "index.ts": `
      import { PolicyPack } from "@pulumi/policy";
      import { getStack, Config } from "@pulumi/pulumi";
      new PolicyPack(${constructor}, { policies: [{
        name: "short-names",
        description: "Names are short.",
        enforcementLevel: "mandatory",
        ${rules}
      }] });`,
  });
  const shortNames = `
    validateResource: ({ type, name }, report) => {
      if (type === "demo:index:Group" && name.length > 8) report(name + " is longer than 8 letters");
    }`;
  const program = (name: string) =>
    javascriptProject(
      `class Group extends pulumi.ComponentResource {
        constructor(name) { super("demo:index:Group", name); }
      }
      new Group("${name}");`,
    );

  test("lets a program pass, and blocks another", async () => {
    const folder = await pluginFolder("short-names", pack(shortNames));
    await bench.write(program("short"));
    const passed = await bench.pulumi("preview", "--policy-pack", folder);
    expect(passed.stdout + passed.stderr).toContain("names@v0.0.1");
    expect(passed.code).toBe(0);
    await bench.write(program("far-too-long"));
    const blocked = await bench.pulumi("preview", "--policy-pack", folder);
    expect(blocked.code).toBe(1);
    expect(blocked.stdout).toContain("far-too-long is longer than 8 letters");
    await eventually(nothingRuns);
  });

  test("knows the stack and its configuration when it starts", async () => {
    const folder = await pluginFolder(
      "knows-stack",
      pack(shortNames, '"of-" + getStack() + "-" + new Config("demo").require("token").length'),
    );
    await bench.write(program("short"));
    const { code, stdout, stderr } = await bench.pulumi("preview", "--policy-pack", folder);
    expect(stdout + stderr).toContain(`of-dev-${canary.length}`);
    expect(stdout + stderr).not.toContain(canary);
    expect(code).toBe(0);
  });

  test("that cannot be compiled fails the preview with the place", async () => {
    const folder = await pluginFolder("broken-pack", pack("validateResource: 4 +"));
    await bench.write(program("short"));
    const { code, stdout, stderr } = await bench.pulumi("preview", "--policy-pack", folder);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(/index\.ts.*error TS1109/s);
    await eventually(nothingRuns);
  });

  test("without the SDK is told the command", async () => {
    const folder = bench.path("bare-pack");
    await bench.write(pack(shortNames), folder);
    await bench.write(program("short"));
    const { code, stdout, stderr } = await bench.pulumi("preview", "--policy-pack", folder);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain(`run npm install in ${folder}`);
  });

  test("is gone after kill -9 of the CLI", async () => {
    const folder = bench.path("short-names");
    await bench.write(
      javascriptProject('console.log("running"); setTimeout(() => { for (;;); }, 300);'),
    );
    const running = bench.start("preview", "--policy-pack", folder);
    await eventually(() => running.output().includes("running"));
    await eventually(async () => (await bench.processes()).join().includes("cmd/run-policy-pack"));
    process.kill(running.pid, "SIGKILL");
    await eventually(nothingRuns, GONE_MS);
  });
});

describe("a provider given as a folder", () => {
  const folderProvider = (source: string) => ({
    "PulumiPlugin.yaml": "runtime:\n  name: nodejs\n  options:\n    typescript: false\n",
    "package.json": JSON.stringify({ name: "letters", version: "0.0.1", main: "index.js" }),
    "index.js": source,
  });
  const serve = `
    const provider = require("@pulumi/pulumi/provider");
    class Letters {
      version = "0.0.1";
      async check(urn, olds, news) { return { inputs: news, failures: [] }; }
      async create(urn, inputs) { return { id: process.cwd(), outs: { ...inputs, length: inputs.text.length } }; }
      async delete() {}
    }
    exports.done = provider.main(new Letters(), process.argv.slice(2));`;
  const program = {
    ...javascriptProject(`
      class Word extends pulumi.CustomResource {
        constructor(name, text) { super("letters:index:Word", name, { text, length: undefined }); }
      }
      exports.length = new Word("word", "twelve words").length;`),
    "Pulumi.yaml": [
      "name: demo",
      "runtime:\n  name: nodejs\n  options:\n    typescript: false",
      "plugins:\n  providers:\n    - name: letters\n      path: ../letters\n",
    ].join("\n"),
  };

  test("creates and deletes", async () => {
    await pluginFolder("letters", folderProvider(serve));
    await bench.write(program);
    const up = await bench.pulumi("up", "--yes", "--skip-preview");
    expect(up.code, up.stdout + up.stderr).toBe(0);
    expect((await bench.pulumi("stack", "output", "length")).stdout.trim()).toBe("12");
    const down = await bench.pulumi("destroy", "--yes", "--skip-preview");
    expect(down.code, down.stdout + down.stderr).toBe(0);
    await eventually(nothingRuns);
  });

  test("that fails at its start shows what it printed", async () => {
    await bench.write(
      folderProvider('throw new Error("no letters today");'),
      bench.path("letters"),
    );
    await bench.write(program);
    const { code, stdout, stderr } = await bench.pulumi("preview");
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain("no letters today");
    await eventually(nothingRuns);
  });
});
