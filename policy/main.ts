// The pack's process: started by the engine, as a file of its own or through the language host.
import "./no-remediation";
import "./unpack-once";

import { fstatSync } from "node:fs";

import { PolicyPack } from "@pulumi/policy";

import { policies } from "./pack";

/** The SDK reads the pack's version from package.json in the current folder. */
process.chdir(__dirname);

// The engine never writes to it: its end is the end of the engine, kill -9 included.
const stdin = fstatSync(0);
if (stdin.isFIFO() || stdin.isSocket()) process.stdin.on("end", () => process.exit(0)).resume();

new PolicyPack("drydock", {
  displayName: "drydock",
  description: "What may never reach a cluster.",
  policies: policies(() => new Date().toISOString().slice(0, 10)),
});
