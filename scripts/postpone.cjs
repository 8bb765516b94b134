"use strict";
// The SDK loads these two as it is imported, and uses them to serialise functions, which nothing here
// does: they are half of the import's time. They load when they are used after all.
const Module = require("node:module");

for (const name of ["@pulumi/pulumi/typescript-shim", "@npmcli/arborist"]) postpone(name);

function postpone(name) {
  const filename = resolve(name);
  if (filename === undefined || require.cache[filename] !== undefined) return;
  const placeholder = new Module(filename, module);
  placeholder.loaded = true;
  placeholder.exports = new Proxy(() => undefined, {
    get(_, key) {
      if (key === "__esModule") return true; // Keeps the importer from copying it, key by key.
      if (require.cache[filename] === placeholder) delete require.cache[filename];
      return require(filename)[key];
    },
  });
  require.cache[filename] = placeholder;
}

/** Another version of the SDK may do without it. */
function resolve(name) {
  try {
    return require.resolve(name, { paths: [require.resolve("@pulumi/pulumi")] });
  } catch {
    return undefined;
  }
}
