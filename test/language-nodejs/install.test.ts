import { chmod, mkdir, rm, writeFile } from "node:fs/promises";

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { javascriptProject, Workbench } from "./support";

let bench: Workbench;

beforeAll(async () => {
  bench = await Workbench.create();
});

afterAll(() => bench.dispose());

/** A package manager that says how it was called; `node_modules` of the program is a link already. */
async function fake(name: string, script = `echo "${name} $*"; echo problems >&2`): Promise<void> {
  await writeFile(bench.path("bin", name), `#!/bin/sh\n${script}\n`);
  await chmod(bench.path("bin", name), 0o755);
}

describe("pulumi install", () => {
  afterEach(async () => {
    for (const name of ["npm", "yarn", "pnpm"]) await fake(name);
  });

  test.each([
    ["npm", "", "", "npm install --loglevel=error"],
    [
      "npm",
      "package-lock.json",
      "    production: true\n",
      "npm install --loglevel=error --omit=dev",
    ],
    ["pnpm", "pnpm-lock.yaml", "", "pnpm install --use-stderr"],
    ["yarn", "yarn.lock", "", "yarn install"],
    ["pnpm", "yarn.lock", "    packagemanager: pnpm\n", "pnpm install --use-stderr"],
  ])("runs %s with lock file %j and options %j", async (_, lock, options, expected) => {
    for (const name of ["npm", "yarn", "pnpm"]) await fake(name);
    const project = javascriptProject("");
    await bench.write({
      ...project,
      "Pulumi.yaml": (project["Pulumi.yaml"] ?? "") + options,
      ...(lock === "" ? {} : { [lock]: "" }),
    });
    const { code, stdout, stderr } = await bench.pulumi("install");
    expect(stdout).toContain(expected);
    expect(stdout + stderr).toContain("problems");
    expect(code).toBe(0);
  });

  test("fails with the package manager, and says how it was called", async () => {
    await fake("npm", "echo no such package >&2; exit 7");
    await bench.write(javascriptProject(""));
    const { code, stdout, stderr } = await bench.pulumi("install");
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain("no such package");
    expect(stdout + stderr).toContain(
      `npm install --loglevel=error in ${bench.program} ended with exit code 7`,
    );
  });

  test("names a package manager that is not there", async () => {
    const project = javascriptProject("");
    await bench.write({
      ...project,
      "Pulumi.yaml": `${project["Pulumi.yaml"] ?? ""}    packagemanager: bun\n`,
    });
    const { code, stdout, stderr } = await bench.pulumi("install");
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain("bun is not on PATH");
  });

  test("installs with the real npm", async () => {
    await rm(bench.path("bin/npm"));
    await mkdir(bench.path("local"));
    await bench.write(
      { "package.json": '{"name":"local","version":"1.0.0"}' },
      bench.path("local"),
    );
    const folder = bench.path("fresh");
    await bench.write(
      {
        ...javascriptProject(""),
        "package.json": '{"name":"demo","dependencies":{"local":"file:../local"}}',
      },
      folder,
    );
    const { code, stdout, stderr } = await bench.pulumi("-C", folder, "install");
    expect(code, stdout + stderr).toBe(0);
    const about = await bench.pulumi("-C", folder, "about", "--json");
    expect(JSON.parse(about.stdout)).toMatchObject({
      dependencies: [{ name: "local", version: "1.0.0" }],
    });
  });
});
