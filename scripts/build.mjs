// Bundles the commands and the plugins into dist/, one file each, so that every one of them starts in
// about the time Node itself needs. Runs at `npm ci` (prepare) and by `npm run build`.
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

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
    source: "infra/local/provider/main.ts",
    output: "plugins/drydock/pulumi-resource-drydock",
    executable: true,
  },
  {
    source: "toolchain/kubernetes/main.ts",
    output: "plugins/kubernetes/pulumi-resource-kubernetes",
    executable: true,
  },
  { source: "infra/local/agent/main.ts", output: "local/agent.js" },
];

async function bundle({ source, output, executable }) {
  const outfile = join(root, "dist", output);
  // A rename, so that a plugin which starts while the build runs never reads half a file.
  const partial = `${outfile}.partial-${process.pid}`;
  await mkdir(dirname(outfile), { recursive: true });
  try {
    await build({
      absWorkingDir: root,
      entryPoints: [source],
      outfile: partial,
      bundle: true,
      platform: "node",
      target: "node20",
      format: "cjs",
      sourcemap: false,
      legalComments: "none",
      logLevel: "warning",
      // ESM-only dependencies ask for their own address, which CommonJS does not know by that name.
      define: { "import.meta.url": "__bundleUrl" },
      banner: {
        js: [
          ...(executable ? ["#!/usr/bin/env node"] : []),
          'const __bundleUrl = require("node:url").pathToFileURL(__filename).href;',
        ].join("\n"),
      },
    });
    await chmod(partial, executable ? 0o755 : 0o644);
    await rename(partial, outfile);
  } finally {
    await rm(partial, { force: true });
  }
}

const started = performance.now();
const results = await Promise.allSettled(bundles.map(bundle));
const failed = bundles.filter((_, index) => results[index].status === "rejected");
if (failed.length > 0) {
  // esbuild has already printed each error with file and line.
  console.error(`build: failed for ${failed.map(({ source }) => source).join(", ")}`);
  process.exitCode = 1;
} else {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.warn(`build: ${bundles.length} bundles in dist/ (${seconds} s)`);
}
