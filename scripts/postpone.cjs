"use strict";
// What the program's packages load as they are imported, and what nothing here uses: serialising of
// functions, the automation API, error messages in sixty languages. It is half of the import's time. It
// loads when it is used after all.
const Module = require("node:module");

/** By the package that loads it. */
const UNUSED = {
  "@pulumi/pulumi": [
    "@pulumi/pulumi/typescript-shim",
    "@pulumi/pulumi/automation",
    "@npmcli/arborist",
    "normalize-package-data",
  ],
  "@pulumi/kubernetes": ["glob"],
  zod: ["zod/v4/locales"],
};

for (const [importer, names] of Object.entries(UNUSED)) {
  for (const name of names) postpone(name, importer);
}

// V8's debugger, by which a function's source is found. The runner waits for it before each program, and
// V8 then reports every script to it.
postpone("@pulumi/pulumi/runtime/closure/v8Hooks", "@pulumi/pulumi", {
  isInitializedAsync: () => Promise.resolve(),
});
// typescript.cjs maps stack traces.
postpone("source-map-support/register", "@pulumi/pulumi");
// Traces for `--tracing`: a library of its own. The runner asks for two spans in any case, and those of the
// API that the SDK has anyway lead nowhere until it is given a library.
postpone("@pulumi/pulumi/cmd/run/tracing", "@pulumi/pulumi", {
  newSpan: (name) => apiOfTraces().trace.getTracer("nodejs-runtime").startSpan(name),
});

function apiOfTraces() {
  return require(resolve("@opentelemetry/api", "@pulumi/pulumi"));
}

/** @param known what it answers until it is loaded */
function postpone(name, importer, known = {}) {
  const filename = resolve(name, importer);
  if (filename === undefined || require.cache[filename] !== undefined) return;
  const placeholder = new Module(filename, module);
  placeholder.loaded = true;
  placeholder.exports = new Proxy(() => undefined, {
    get(_, key) {
      const waits = require.cache[filename] === placeholder;
      if (waits && Object.hasOwn(known, key)) return known[key];
      if (key === "__esModule") return true; // Keeps the importer from copying it, key by key.
      if (waits) delete require.cache[filename];
      const exports = require(filename);
      return key === "default" && !exports.__esModule ? exports : exports[key];
    },
  });
  require.cache[filename] = placeholder;
}

/** Another version of the packages may do without it. */
function resolve(name, importer) {
  try {
    return require.resolve(name, { paths: [require.resolve(importer)] });
  } catch {
    return undefined;
  }
}
