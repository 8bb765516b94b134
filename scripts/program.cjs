"use strict";
// The entry point that package.json's `main` gives to Pulumi's language host.
require("./start.cjs"); // Whoever starts it without Pulumi.yaml's `nodeargs` has it from here.

if (!require("./debug-messages.cjs").mayShow()) {
  require("@pulumi/pulumi/log").debug = () => Promise.resolve();
}

module.exports = require("../index.ts");
