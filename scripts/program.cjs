"use strict";
// The entry point that package.json's `main` gives to Pulumi's language host.
require("./start.cjs"); // Whoever starts it without Pulumi.yaml's `nodeargs` has it from here.

// The SDK tells the engine of each step it takes, in some three calls for a resource, and none but a preview
// with `--debug` shows them. A program does not see that flag; it does see what the CLI takes for the same.
if (!["true", "1"].includes(process.env.PULUMI_OPTION_DEBUG)) {
  require("@pulumi/pulumi/log").debug = () => Promise.resolve();
}

module.exports = require("../index.ts");
