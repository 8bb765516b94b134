"use strict";
require("../scripts/start.cjs");
module.exports = require("./index.ts");
