import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { root } from "../../review/recording/stack-file";

/** scripts/typescript.cjs, as Pulumi's language host loads the program with it. */
describe("the loader of TypeScript", () => {
  let folder: string;
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "drydock-loader-"));
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  async function run(source: string): Promise<string> {
    const file = path.join(folder, "program.ts");
    fs.writeFileSync(file, source);
    const hook = path.join(root, "scripts/typescript.cjs");
    const { stdout } = await promisify(execFile)(process.execPath, ["--require", hook, file], {
      env: { ...process.env, NODE_PATH: path.join(root, "node_modules") },
    });
    return stdout;
  }

  it("runs what has a type error: types are for `npm run check`", async () => {
    expect(await run('const n: number = "text"; console.log(n satisfies string);')).toBe("text\n");
  });

  it("finds modules without an extension, and folders by their index", async () => {
    fs.mkdirSync(path.join(folder, "part"), { recursive: true });
    fs.writeFileSync(path.join(folder, "part", "index.ts"), "export const part: string = 'part';");
    expect(await run('import { part } from "./part"; console.log(part);')).toBe("part\n");
  });

  it("loads what import() names, when it comes to it", async () => {
    fs.mkdirSync(path.join(folder, "late"), { recursive: true });
    const late = "console.log('late'); export const part: string = 'part';";
    fs.writeFileSync(path.join(folder, "late", "index.ts"), late);
    const source = `
      async function main() {
        console.log("early");
        const { part } = await import("./late/index.js");
        console.log(part);
      }
      void main();`;
    expect(await run(source)).toBe("early\nlate\npart\n");
  });

  it("tells where the syntax is wrong", async () => {
    await expect(run("const a = 1;\nconst b = = 2;\n")).rejects.toThrow(
      /SyntaxError: \S*program\.ts:2:11: Unexpected "="/,
    );
  });

  it("shows the lines of the source in a stack trace", async () => {
    const source =
      'interface A {\n  a: 1;\n}\nfunction f(): A {\n  throw new Error("x");\n}\nf();\n';
    await expect(run(source)).rejects.toThrow(/at f \(\S*program\.ts:5:9\)/);
  });

  it("writes the trace that the SDK takes of each promise once it is shown", async () => {
    const source = `
      import { debuggablePromise, promiseDebugString } from "@pulumi/pulumi/runtime/debuggable";

      const promise: Promise<void> & { _debugStackTrace?: unknown } = Promise.resolve();
      function leak(): void {
        debuggablePromise(promise, "of a test");
      }
      leak();
      console.log(typeof promise._debugStackTrace);
      console.log(promiseDebugString(promise));`;
    const shown = await run(source);
    expect(shown.split("\n").slice(0, 4)).toEqual([
      "object",
      "CONTEXT(0): of a test",
      "STACK_TRACE:",
      "Error",
    ]);
    expect(shown).toMatch(/at leak \(\S*program\.ts:6:9\)/);
  });
});

/** scripts/compile-cache.cjs, in a project of its own. */
describe("the cache of compiled modules", () => {
  let folder: string;
  const write = (name: string, text: string) => fs.writeFileSync(path.join(folder, name), text);
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "drydock-compiled-"));
    for (const name of ["scripts", "node_modules"]) fs.mkdirSync(path.join(folder, name));
    const hook = "scripts/compile-cache.cjs";
    fs.copyFileSync(path.join(root, hook), path.join(folder, hook));
    write("package.json", "{}");
    write("main.js", 'require("./part.js");');
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  async function run(part: string): Promise<string> {
    write("part.js", part);
    const args = ["--require", "./scripts/compile-cache.cjs", "main.js"];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
    return stdout;
  }

  /** Time and place of every file of it: Node's own cache has many, ours is written as another. */
  function cache(): string[] {
    const files = fs.readdirSync(path.join(folder, "node_modules"), {
      recursive: true,
      withFileTypes: true,
    });
    return files
      .filter((file) => file.isFile())
      .map(({ parentPath, name }) => path.join(parentPath, name))
      .map((file) => `${file} ${fs.statSync(file).ino}`);
  }

  it("is written once for a text, and another text of the same length is not taken for it", async () => {
    expect(await run('console.log("a");')).toBe("a\n");
    const written = cache();
    expect(written).not.toEqual([]);
    expect(await run('console.log("a");')).toBe("a\n");
    expect(cache()).toEqual(written);
    expect(await run('console.log("b");')).toBe("b\n");
    expect(cache()).not.toEqual(written);
  });

  it.each<[string, (data: Buffer) => Buffer]>([
    ["something else", () => Buffer.from("?")],
    ["cut off", (data) => data.subarray(0, data.length / 2)],
    ["wrong in one place", (data) => data.fill(0, data.length - 40, data.length - 20)],
  ])("does without what was kept where that is %s", async (_, damage) => {
    expect(await run('console.log("a");')).toBe("a\n");
    for (const entry of cache()) {
      const file = entry.replace(/ \d+$/, "");
      fs.writeFileSync(file, damage(fs.readFileSync(file)));
    }
    expect(await run('console.log("a");')).toBe("a\n");
  });

  it("leaves line and column in a stack trace, with kept code and without", async () => {
    const source = 'try { throw new Error("x"); } catch (error) { console.log(error.stack); }';
    const [first, second] = [await run(source), await run(source)];
    expect(first).toMatch(/part\.js:1:13\)/);
    expect(second).toBe(first);
  });

  it("gives a module what Node gives it", async () => {
    const source = `
      const known = require("./main.js") === module.parent.exports && this === exports;
      const paths = require.resolve.paths("x")[0] === require("node:path").join(__dirname, "node_modules");
      const main = require.main === module.parent && require.cache[__filename] === module;
      import("./late.mjs").then(({ late }) => console.log(known, paths, main, late));`;
    write("late.mjs", "export const late = 'late';");
    expect(await run(source)).toBe("true true true late\n");
  });

  it("leaves it to Node to say what is wrong, and to load what is no CommonJS", async () => {
    await expect(run("const a = 1;\nconst b = = 2;\n")).rejects.toThrow(
      /part\.js:2\n[^]*SyntaxError: Unexpected token '='/,
    );
    expect(await run("export const a = 1; console.log(import.meta.filename);")).toMatch(
      /part\.js\n$/,
    );
  });
});

/** scripts/postpone.cjs */
describe("what the program's packages load for nothing", () => {
  const uses = {
    "typescript/lib/typescript.js": `
      const { text } = await pulumi.runtime.serializeFunction(() => 42);
      assert(text.includes("42"))`,
    "@npmcli/arborist/lib/arborist/index.js": `
      const paths = await pulumi.runtime.computeCodePaths();
      assert(paths.size > 0)`,
    "normalize-package-data/lib/fixer.js": `
      const paths = await pulumi.runtime.computeCodePaths({ extraIncludePackages: ["zod"] });
      assert([...paths.keys()].some((path) => path.endsWith("node_modules/zod")))`,
    "@pulumi/pulumi/automation/localWorkspace.js": `
      assert.equal(pulumi.automation.fullyQualifiedStackName("a", "b", "c"), "a/b/c")`,
    "glob/dist/commonjs/glob.js": `
      k8s.yaml.parse({ files: "config/none-*.yaml" })`,
    "@pulumi/pulumi/runtime/closure/v8.js": `
      const { getFunctionLocationAsync } = require("@pulumi/pulumi/runtime/closure/v8");
      const { line } = await getFunctionLocationAsync(() => 42);
      assert(line > 0)`,
    "@opentelemetry/sdk-trace-node/build/src/NodeTracerProvider.js": `
      tracing.start("http://127.0.0.1:9/api/v2/spans");
      assert(tracing.newSpan("later").isRecording())`,
    "zod/v4/locales/de.cjs": `
      const { string, locales } = require("zod");
      const { error } = string().safeParse(1, { error: locales.de().localeError });
      assert.match(error.message, /Ungültige Eingabe/)`,
  };
  const files = Object.keys(uses) as (keyof typeof uses)[];

  async function loadedAfter(statements: string): Promise<string[]> {
    const script = `
      require("./scripts/postpone.cjs");
      const assert = require("node:assert");
      const pulumi = require("@pulumi/pulumi");
      const [k8s, zod] = [require("@pulumi/kubernetes"), require("zod")];
      const tracing = require("@pulumi/pulumi/cmd/run/tracing");
      assert(!tracing.newSpan("of the runner").isRecording());
      (async () => {
        ${statements};
        const names = ${JSON.stringify(files)};
        const loaded = Object.keys(require.cache);
        const found = names.filter((name) => loaded.some((file) => file.endsWith("/" + name)));
        console.log(JSON.stringify(found));
      })();`;
    const options = { cwd: root };
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], options);
    return JSON.parse(stdout) as string[];
  }

  it("is not loaded with it", async () => {
    expect(await loadedAfter("")).toEqual([]);
  });

  it.each(files)("is loaded when it is used: %s", async (file) => {
    expect(await loadedAfter(uses[file])).toContain(file);
  });
});

/** infra/cluster.ts */
describe("the libraries of a kind of cluster", () => {
  async function loadedWith(...files: string[]): Promise<string[]> {
    const script = `
      require("./scripts/typescript.cjs");
      for (const file of ${JSON.stringify(files)}) require(file);
      const packages = Object.keys(require.cache).map((file) => /@pulumi.(aws|eks)\\b/.exec(file)?.[1]);
      console.log(JSON.stringify([...new Set(packages)].filter(Boolean)));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], { cwd: root });
    return (JSON.parse(stdout) as string[]).sort();
  }

  it("are not loaded for a stack that has another", async () => {
    expect(await loadedWith("./infra/cluster.ts", "./infra/local/index.ts")).toEqual([]);
    expect(await loadedWith("./infra/cluster.ts", "./infra/eks/index.ts")).toEqual(["aws", "eks"]);
  });
});
