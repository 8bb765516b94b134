// Bundles the commands and the plugins into dist/ and compiles them, so that every one of them starts in
// about the time Node itself needs. Runs at `npm ci` (prepare) and by `npm run build`.
import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { bundle } from "./bundle.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/**
 * Each bundle: its source, its place under dist/, whether it is run by name (`executable`), and whether
 * its compiled code is kept beside it (`compiled`). The language host is copied elsewhere, as one file.
 */
const bundles = [
  { source: "toolchain/commands/main.ts", output: "cli.js", compiled: true },
  {
    source: "toolchain/language-nodejs/main.ts",
    output: "language-nodejs/pulumi-language-nodejs",
    executable: true,
  },
  {
    source: "infra/plugin/main.ts",
    output: "plugins/drydock/pulumi-resource-drydock",
    executable: true,
    compiled: true,
  },
  {
    source: "toolchain/kubernetes/main.ts",
    output: "plugins/kubernetes/pulumi-resource-kubernetes",
    executable: true,
    compiled: true,
  },
  { source: "infra/local/agent/main.ts", output: "local/agent.js" },
  { source: "policy/main.ts", output: "policy/drydock-policy", executable: true, compiled: true },
];

/** The policy SDK reads the pack's version from beside the pack. */
const copies = [{ source: "policy/package.json", output: "policy/package.json" }];

async function make({ source, output, executable = false, compiled = false }) {
  const outfile = join(root, "dist", output);
  await mkdir(dirname(outfile), { recursive: true });
  if (!compiled) {
    await replace(outfile, (file) => bundle({ source, outfile: file, executable }));
    return;
  }
  // First of all: V8 tells another source by its length alone.
  await rm(`${outfile}.compiled`, { force: true });
  await replace(`${outfile}.bundle`, async (file) => {
    await bundle({ source, outfile: file });
    refuseWideText(source, await readFile(file, "utf8"));
  });
  await replace(outfile, (file) => launcher(file, executable));
  await compile(outfile);
}

/** Without it a start takes longer, which is no reason to have none. */
async function compile(outfile) {
  const script = join(root, "scripts", "compile.cjs");
  try {
    await replace(`${outfile}.compiled`, (file) =>
      promisify(execFile)(process.execPath, [script, outfile, file], { timeout: 60_000 }),
    );
  } catch (error) {
    console.warn(`build: ${outfile} is not compiled, and starts more slowly: ${error.message}`);
  }
}

/** A rename, so that a plugin which starts while the build runs never reads half a file. */
async function replace(file, write) {
  const partial = `${file}.partial-${process.pid}`;
  try {
    await write(partial);
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}

async function launcher(file, executable) {
  const text = await readFile(join(root, "scripts", "launcher.cjs"), "utf8");
  await writeFile(file, executable ? `#!/usr/bin/env node\n${text}` : text);
  await chmod(file, executable ? 0o755 : 0o644);
}

/** The launcher reads bytes as characters, in half the time. */
function refuseWideText(source, text) {
  const [wide] = /.{0,40}[^\x00-\x7f].{0,40}/.exec(text) ?? [];
  if (wide === undefined) return;
  const problem = `${source} is bundled with a character beyond ASCII: write it as \\u…: ${wide}`;
  console.error(problem);
  throw new Error(problem);
}

const started = performance.now();
for (const { source, output } of copies) {
  await mkdir(dirname(join(root, "dist", output)), { recursive: true });
  await copyFile(join(root, source), join(root, "dist", output));
}
const results = await Promise.allSettled(bundles.map(make));
const failed = bundles.filter((_, index) => results[index].status === "rejected");
if (failed.length > 0) {
  // esbuild has already printed each error with file and line.
  console.error(`build: failed for ${failed.map(({ source }) => source).join(", ")}`);
  process.exitCode = 1;
} else {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.warn(`build: ${bundles.length} bundles in dist/ (${seconds} s)`);
}
