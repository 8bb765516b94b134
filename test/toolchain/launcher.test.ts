import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { wrap } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { constants, Script } from "node:vm";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

const run = promisify(execFile);
const PROGRAM = `
  const { basename } = require("node:path");
  console.log(JSON.stringify([basename(__filename), require.main === module, process.argv.slice(2)]));
  if (process.argv[2] === "fail") throw new Error("as asked");
`;

describe("the launcher of a bundle", () => {
  let folder: string;
  let launcher: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "drydock-launcher-"));
    launcher = join(folder, "program.js");
    cpSync("scripts/launcher.cjs", launcher);
    writeFileSync(`${launcher}.bundle`, PROGRAM);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const launch = async (...args: string[]) =>
    JSON.parse((await run(process.execPath, [launcher, ...args])).stdout) as unknown;
  const compile = () =>
    run(process.execPath, ["scripts/compile.cjs", launcher, `${launcher}.compiled`]);

  it("runs it as the program that was called", async () => {
    expect(await launch("one", "two")).toEqual(["program.js", true, ["one", "two"]]);
  });

  it("takes the compiled code that is beside it", async () => {
    const { stdout, stderr } = await compile();
    expect(stdout + stderr).toBe("");
    const script = new Script(wrap(PROGRAM), {
      filename: `${launcher}.bundle`,
      cachedData: readFileSync(`${launcher}.compiled`),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    expect(script.cachedDataRejected).toBe(false);
    expect(await launch("one")).toEqual(["program.js", true, ["one"]]);
  });

  it("compiles the bundle where what is beside it is no such code, or another program's", async () => {
    writeFileSync(`${launcher}.compiled`, "no code");
    expect(await launch("one")).toEqual(["program.js", true, ["one"]]);
    await compile();
    writeFileSync(`${launcher}.bundle`, `// Another one.\n${PROGRAM}`);
    expect(await launch("two")).toEqual(["program.js", true, ["two"]]);
  });

  it("names the bundle where the program fails", async () => {
    await compile();
    await expect(run(process.execPath, [launcher, "fail"])).rejects.toThrow(`${launcher}.bundle:4`);
  });
});

describe("the build", () => {
  it("leaves a compiled program beside each launcher", () => {
    for (const name of [
      "cli.js",
      "plugins/drydock/pulumi-resource-drydock",
      "plugins/kubernetes/pulumi-resource-kubernetes",
      "policy/drydock-policy",
    ]) {
      expect(existsSync(join("dist", `${name}.compiled`)), name).toBe(true);
    }
  });
});
