"use strict";
// The entry point that package.json's `main` gives to Pulumi's language host.
require("./typescript.cjs");
require("./postpone.cjs");
module.exports = require("../index.ts");
