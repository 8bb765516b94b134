"use strict";
// The entry point that package.json's `main` gives to Pulumi's language host.
require("./typescript.cjs");

// The SDK loads these two at its own import, and needs them only to serialise functions, which nothing
// here does: half of the import's time. They load when they are used after all.
const Module = require("node:module");
for (const name of ["@pulumi/pulumi/typescript-shim", "@npmcli/arborist"]) postpone(name);

function postpone(name) {
  const paths = [require.resolve("@pulumi/pulumi")];
  let filename;
  try {
    filename = require.resolve(name, { paths });
  } catch {
    return; // Another version of the SDK may do without it.
  }
  const placeholder = new Module(filename, module);
  placeholder.loaded = true;
  placeholder.exports = new Proxy(() => undefined, {
    get(_, key) {
      if (key === "__esModule") return true; // Keeps the importer from copying it, key by key.
      if (require.cache[filename] === placeholder) delete require.cache[filename];
      return require(filename)[key];
    },
  });
  require.cache[filename] ??= placeholder;
}

module.exports = require("../index.ts");
