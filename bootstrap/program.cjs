"use strict";
require("../scripts/typescript.cjs");
require("../scripts/postpone.cjs");
module.exports = require("./index.ts");
