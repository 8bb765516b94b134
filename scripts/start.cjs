"use strict";
// What Node loads before the SDK's runner of a program (`nodeargs` in Pulumi.yaml), since the SDK is most of it.
require("./compile-cache.cjs");
require("./typescript.cjs");
require("./postpone.cjs");
