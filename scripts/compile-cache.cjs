"use strict";
// Keeps what V8 has compiled of a program's modules for the next start: a program has seven hundred of them,
// and to compile them is a third of its time. Node does so by itself from 22.8 on.
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const v8 = require("node:v8");
const vm = require("node:vm");
const { randomUUID } = require("node:crypto");
const { crc32 } = require("node:zlib");

const folder = path.join(path.dirname(__dirname), "node_modules", ".cache", "drydock");

if (Module.enableCompileCache !== undefined) Module.enableCompileCache(path.join(folder, "node"));
// Some versions between 20 and 22.2 have neither: they compile.
else if (crc32 !== undefined) keepCompiled();

function keepCompiled() {
  const file = path.join(folder, `compiled-${process.version}-${process.arch}`);
  /** By file name: the checksum of its text, and V8's code. */
  const kept = read(file);
  /** By file name: the checksum of its text, and the script that V8 had to compile. */
  const fresh = new Map();

  const compile = Module.prototype._compile;
  Module.prototype._compile = function (text, filename, format) {
    const checksum = crc32(text);
    const known = kept.get(filename);
    const code = known?.checksum === checksum ? known.code : undefined;
    // A debugger is to stop in the main module, which only Node can do.
    const script = this === process.mainModule ? undefined : scriptOf(text, filename, format, code);
    if (script === undefined) return compile.call(this, text, filename, format);
    if (code === undefined || script.cachedDataRejected) fresh.set(filename, { checksum, script });
    const run = script.runInThisContext();
    return run.call(
      this.exports,
      this.exports,
      requireOf(this),
      this,
      filename,
      path.dirname(filename),
    );
  };

  process.once("exit", () => {
    if (fresh.size > 0) keep(file, kept, fresh);
  });
}

/** @returns undefined where it is no CommonJS: Node knows what that is, or says it */
function scriptOf(text, filename, format, cachedData) {
  if (format === "module") return undefined;
  try {
    return new vm.Script(Module.wrap(text), {
      filename,
      columnOffset: -Module.wrapper[0].length,
      cachedData,
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
  } catch {
    return undefined;
  }
}

/** As Node makes it for each module; Module.createRequire would make a module more, whose parent is none. */
function requireOf(module) {
  const require = (id) => module.require(id);
  require.resolve = (request, options) => Module._resolveFilename(request, module, false, options);
  require.resolve.paths = (request) => Module._resolveLookupPaths(request, module);
  require.main = process.mainModule;
  require.extensions = Module._extensions;
  require.cache = Module._cache;
  return require;
}

/** V8 runs damaged code as it is, to the end of the process: only a whole file is taken. */
function read(file) {
  try {
    const data = fs.readFileSync(file);
    const content = data.subarray(4);
    if (data.readUInt32LE() === crc32(content)) return v8.deserialize(content);
  } catch {
    // None yet, or of another form.
  }
  return new Map();
}

/** The functions that the program has called are in it by then. Another process may write it, too. */
function keep(file, kept, fresh) {
  const draft = `${file}.${randomUUID()}`;
  try {
    fs.mkdirSync(folder, { recursive: true });
    const descriptor = fs.openSync(draft, "wx");
    for (const filename of kept.keys()) if (!fs.existsSync(filename)) kept.delete(filename);
    for (const [filename, { checksum, script }] of fresh) {
      kept.set(filename, { checksum, code: script.createCachedData() });
    }
    const content = v8.serialize(kept);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32LE(crc32(content));
    fs.writevSync(descriptor, [checksum, content]);
    fs.closeSync(descriptor);
    fs.renameSync(draft, file);
  } catch {
    // A read-only checkout works too, and compiles each time.
    fs.rmSync(draft, { force: true });
  }
}
