import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { projectEnvironment } from "../../toolchain/environment";
import { javascriptProject, type Result, Workbench } from "../language-nodejs/support";
import { archive, serve, temporaryFolder, type TestServer } from "./support";

let bench: Workbench;
/** The demo provider as its release would be. */
let release: Buffer;

beforeAll(async () => {
  bench = await Workbench.create();
  delete bench.env.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION;
  await installSdk("demo");
  await bench.installProvider("demo", "9.9.9", "test/language-nodejs/fixtures/provider.ts");
  const bundled = bench.path("home/plugins/resource-demo-v9.9.9/pulumi-resource-demo");
  release = await archive({ "pulumi-resource-demo": await readFile(bundled, "utf8") });
  await bench.write(program(""));
  await bench.pulumi("stack", "init", "dev");
});

afterAll(() => bench.dispose());

/** A provider SDK as npm installs it, beside those of this project. */
async function installSdk(name: string): Promise<void> {
  const folder = bench.path("node_modules", name);
  await mkdir(folder, { recursive: true });
  const pulumi = { resource: true, name, version: "1.0.0" };
  const manifest = { name, version: "1.0.0", pulumi };
  await writeFile(path.join(folder, "package.json"), JSON.stringify(manifest));
}

function program(source: string): Readonly<Record<string, string>> {
  const dependencies = { "@pulumi/pulumi": "*", "@pulumi/aws": "*", "@pulumi/eks": "*", demo: "*" };
  return {
    ...javascriptProject(source),
    "package.json": JSON.stringify({ name: "demo", main: "index.js", dependencies }),
  };
}

/** What `npm start` and `env` set on a machine that cannot have the official plugins. */
async function standInVariables(): Promise<Readonly<Record<string, string>>> {
  const root = temporaryFolder();
  await writeFile(path.join(root, "Pulumi.yaml"), "name: demo\nruntime: nodejs\n");
  await writeFile(path.join(root, "Pulumi.dev.yaml"), "config: {}\n");
  const { variables } = await projectEnvironment({
    root,
    stack: "dev",
    pulumi: { path: bench.path("bin/pulumi"), version: "3.259.0", source: "PATH" },
    tools: [],
    cacheDirectory: path.join(root, "cache"),
    env: { HOME: root, PATH: bench.env.PATH, DRYDOCK_DOWNLOADS: "off" },
  });
  const options = Object.entries(variables).filter(([name]) => name.startsWith("PULUMI_OPTION_"));
  return Object.fromEntries(options);
}

/** Runs the CLI with the server as the source of every plugin. `asked`: names of the plugins it wanted. */
async function run(
  server: TestServer,
  variables: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<Result & { readonly asked: readonly string[] }> {
  bench.env.PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES = `.*=${server.url}`;
  Object.assign(bench.env, variables);
  try {
    const result = await bench.pulumi(...args);
    const names = server.gets().map(({ path: file }) => /pulumi-resource-(\w+)-v/.exec(file)?.[1]);
    return { ...result, asked: [...new Set(names.map((name) => name ?? "?"))].sort() };
  } finally {
    for (const name of Object.keys(variables)) Reflect.deleteProperty(bench.env, name);
  }
}

const nothingThere = () => serve((_, response) => void response.writeHead(404).end());

const usesDemo = `
  class Thing extends pulumi.CustomResource {
    constructor(name, text) { super("demo:index:Thing", name, { text }, { version: "1.0.0" }); }
  }
  exports.text = new Thing("thing", "some").urn;`;

describe("the plugins of packages that the program has and the stack does not use", () => {
  test("are asked for before each preview where the user's own home serves", async () => {
    await bench.write(program(""));
    const { code, asked } = await run(await nothingThere(), {}, "preview");
    expect(code).toBe(0);
    expect(asked).toEqual(["aws", "demo", "eks", "kubernetes"]);
  });

  test.each(["preview", "up", "refresh", "destroy"])(
    "are not asked for by %s where stand-ins serve",
    async (command) => {
      await bench.write(program(""));
      const server = await nothingThere();
      const yes = command === "preview" ? [] : ["--yes"];
      const result = await run(server, await standInVariables(), command, ...yes);
      expect(result.code, result.stdout + result.stderr).toBe(0);
      expect(server.requests).toEqual([]);
    },
  );
});

describe("the plugin of a package that the stack uses, where stand-ins serve", () => {
  test("is downloaded when its first resource is registered, and no other is", async () => {
    await bench.write(program(usesDemo));
    const server = await serve((_, response) => void response.end(release));
    const result = await run(server, await standInVariables(), "up", "--yes", "--skip-preview");
    expect(result.code, result.stdout + result.stderr).toBe(0);
    expect(result.asked).toEqual(["demo"]);
    const again = await serve((_, response) => void response.end(release));
    expect((await run(again, await standInVariables(), "preview")).code).toBe(0);
    expect(again.requests).toEqual([]);
    await run(again, await standInVariables(), "destroy", "--yes");
  });

  test("fails the preview by its name where it cannot be had", async () => {
    await bench.write(program(usesDemo.replace("1.0.0", "2.0.0")));
    const result = await run(await nothingThere(), await standInVariables(), "preview");
    expect(result.code).not.toBe(0);
    expect(result.asked).toEqual(["demo"]);
    expect(result.stdout + result.stderr).toMatch(/plugin.*demo.*2\.0\.0/);
  });
});
