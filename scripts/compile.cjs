"use strict";
// node scripts/compile.cjs LAUNCHER FILE: writes what V8 has compiled of the launcher's bundle to FILE. The
// program runs until its first word, so that the functions that a start needs are among it.
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const vm = require("node:vm");

const [launcher, output] = process.argv.slice(2).map((file) => path.resolve(file));
const folder = path.dirname(launcher);
process.argv = [process.execPath, launcher];

const script = new vm.Script(Module.wrap(fs.readFileSync(`${launcher}.bundle`, "latin1")), {
  filename: `${launcher}.bundle`,
  importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});

process.once("exit", () => {
  fs.writeFileSync(output, script.createCachedData());
});
for (const stream of [process.stdout, process.stderr]) {
  stream.write = () => setImmediate(() => process.exit(0)) !== undefined;
}

const main = new Module(launcher, null);
main.filename = launcher;
main.paths = Module._nodeModulePaths(folder);
const requireThere = Module.createRequire(launcher);
script.runInThisContext()(main.exports, requireThere, main, launcher, folder);
