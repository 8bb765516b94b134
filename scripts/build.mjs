// Bundles the commands and the plugins into dist/, one file each, so that every one of them starts in
// about the time Node itself needs. Runs at `npm ci` (prepare) and by `npm run build`.
import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { bundle } from "./bundle.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Each bundle: its source, its place under dist/, and whether it is run by name (`executable`). */
const bundles = [
  { source: "toolchain/commands/main.ts", output: "cli.js" },
  {
    source: "toolchain/language-nodejs/main.ts",
    output: "language-nodejs/pulumi-language-nodejs",
    executable: true,
  },
  {
    source: "infra/plugin/main.ts",
    output: "plugins/drydock/pulumi-resource-drydock",
    executable: true,
  },
  {
    source: "toolchain/kubernetes/main.ts",
    output: "plugins/kubernetes/pulumi-resource-kubernetes",
    executable: true,
  },
  { source: "infra/local/agent/main.ts", output: "local/agent.js" },
  { source: "policy/main.ts", output: "policy/drydock-policy", executable: true },
];

/** The policy SDK reads the pack's version from beside the pack. */
const copies = [{ source: "policy/package.json", output: "policy/package.json" }];

async function make({ source, output, executable }) {
  const outfile = join(root, "dist", output);
  // A rename, so that a plugin which starts while the build runs never reads half a file.
  const partial = `${outfile}.partial-${process.pid}`;
  await mkdir(dirname(outfile), { recursive: true });
  try {
    await bundle({ source, outfile: partial, executable });
    await rename(partial, outfile);
  } finally {
    await rm(partial, { force: true });
  }
}

const started = performance.now();
const results = await Promise.allSettled(bundles.map(make));
for (const { source, output } of copies) {
  await copyFile(join(root, source), join(root, "dist", output));
}
const failed = bundles.filter((_, index) => results[index].status === "rejected");
if (failed.length > 0) {
  // esbuild has already printed each error with file and line.
  console.error(`build: failed for ${failed.map(({ source }) => source).join(", ")}`);
  process.exitCode = 1;
} else {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.warn(`build: ${bundles.length} bundles in dist/ (${seconds} s)`);
}
