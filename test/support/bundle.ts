import { chmod } from "node:fs/promises";
import { join } from "node:path";

import { build } from "esbuild";

/** One executable file, as scripts/build.mjs makes it. `source` is relative to the project. */
export async function bundle(source: string, outfile: string): Promise<void> {
  await build({
    absWorkingDir: join(__dirname, "..", ".."),
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "error",
    define: { "import.meta.url": "__bundleUrl" },
    banner: {
      js: [
        "#!/usr/bin/env node",
        'const __bundleUrl = require("node:url").pathToFileURL(__filename).href;',
      ].join("\n"),
    },
  });
  await chmod(outfile, 0o755);
}
