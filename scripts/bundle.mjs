// How one program of this project becomes one file: the build and the tests that start a plugin use it.
import { chmod } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/**
 * The kubeconfig reader of the Kubernetes client imports the model of the whole API for two names.
 * Without the rest a plugin loads a megabyte less, before its first answer.
 *
 * @type {import("esbuild").Plugin}
 */
const kubeconfigWithoutModel = {
  name: "kubeconfig-without-model",
  setup(esbuild) {
    const namespace = "kubeconfig-without-model";
    esbuild.onResolve({ filter: /^\.\/gen\/index\.js$/ }, ({ importer, resolveDir }) =>
      /client-node[\\/]dist[\\/]config\.js$/.test(importer)
        ? { path: "configuration", namespace, pluginData: resolveDir }
        : undefined,
    );
    esbuild.onLoad({ filter: /./, namespace }, ({ pluginData }) => ({
      contents:
        'export { createConfiguration } from "./gen/configuration.js";' +
        'export { ServerConfiguration } from "./gen/servers.js";',
      resolveDir: pluginData,
    }));
  },
};

/**
 * The Pulumi SDK loads them to serialise functions, which nothing here does: they are most of its size.
 *
 * @type {import("esbuild").Plugin}
 */
const withoutSerialisation = {
  name: "without-serialisation",
  setup(esbuild) {
    const namespace = "without-serialisation";
    esbuild.onResolve({ filter: /^@npmcli\/arborist$|\/typescript-shim$/ }, ({ path }) => ({
      path,
      namespace,
    }));
    esbuild.onLoad({ filter: /./, namespace }, () => ({ contents: "" }));
  },
};

/**
 * Bundles a program with all that it imports.
 *
 * @param {{ source: string, outfile: string, executable?: boolean }} program `source` is relative to
 *   the project; `executable`: it is run by name. Default false.
 */
export async function bundle({ source, outfile, executable = false }) {
  await build({
    absWorkingDir: root,
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    sourcemap: false,
    // Half the text to read at each start; names stay, for stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    logLevel: "warning",
    // CycloneDX's library looks for it to write XML, which nothing here does.
    external: ["xmlbuilder2"],
    plugins: [kubeconfigWithoutModel, withoutSerialisation],
    // ESM-only dependencies ask for their own address, which CommonJS does not know by that name.
    define: { "import.meta.url": "__bundleUrl" },
    banner: {
      js: [
        ...(executable ? ["#!/usr/bin/env node"] : []),
        'const __bundleUrl = require("node:url").pathToFileURL(__filename).href;',
      ].join("\n"),
    },
  });
  await chmod(outfile, executable ? 0o755 : 0o644);
}
