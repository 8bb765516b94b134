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
    const { stdout } = await promisify(execFile)(process.execPath, ["--require", hook, file]);
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
});

/** scripts/postpone.cjs */
describe("what the SDK loads for nothing", () => {
  const packages = ["typescript/lib/typescript.js", "@npmcli/arborist/lib/arborist/index.js"];

  async function loadedAfter(statement: string): Promise<boolean[]> {
    const script = `
      require("./scripts/postpone.cjs");
      const pulumi = require("@pulumi/pulumi");
      (async () => {
        ${statement};
        const files = Object.keys(require.cache);
        const names = ${JSON.stringify(packages)};
        console.log(JSON.stringify(names.map((name) => files.some((file) => file.endsWith(name)))));
      })();`;
    const options = { cwd: root };
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], options);
    return JSON.parse(stdout) as boolean[];
  }

  it("is not loaded with it", async () => {
    expect(await loadedAfter("")).toEqual([false, false]);
  });

  it("is loaded when it is used", async () => {
    const text = "const f = await pulumi.runtime.serializeFunction(() => 42)";
    const check = 'if (!f.text.includes("42")) throw new Error(f.text)';
    expect(await loadedAfter(`${text}; ${check}`)).toEqual([true, false]);
    const paths = "await pulumi.runtime.computeCodePaths()";
    expect(await loadedAfter(paths)).toEqual([false, true]);
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
