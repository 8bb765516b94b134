"use strict";
// Runs the bundle beside it as this file. Its compiled code is beside it too: to compile megabytes is most
// of what a start costs. Another version of Node does not take it, and compiles.
const fs = require("node:fs");
const { wrap } = require("node:module");
const vm = require("node:vm");

const script = new vm.Script(wrap(fs.readFileSync(`${__filename}.bundle`, "latin1")), {
  filename: `${__filename}.bundle`,
  cachedData: compiled(),
  importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
script.runInThisContext()(exports, require, module, __filename, __dirname);

function compiled() {
  try {
    return fs.readFileSync(`${__filename}.compiled`);
  } catch {
    return undefined;
  }
}
