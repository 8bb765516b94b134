"use strict";
// The SDK tells the engine of each step it takes, in some three calls for a resource, and the engine shows them
// for `--debug` alone. It tells nobody of that flag: the CLI's command line does, where it can be read.
const fs = require("node:fs");
const path = require("node:path");

/** From the program over its language host to the CLI. */
const GENERATIONS = 4;

/** Whether the CLI may have been asked to show debugging messages. */
function mayShow(environment = process.env, commandLine = commandLineOfCli()) {
  if (["true", "1"].includes(environment.PULUMI_OPTION_DEBUG)) return true;
  return commandLine === undefined || commandLine.some((arg) => /^(?:--debug|-[a-z]*d)/.test(arg));
}

/** Arguments of the CLI that this process descends from; undefined where there is none, or no /proc. */
function commandLineOfCli() {
  let pid = process.ppid;
  try {
    for (let generation = 0; generation < GENERATIONS; generation += 1) {
      const [file, ...args] = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      if (path.basename(file) === "pulumi") return args;
      [, pid] = /^PPid:\t(\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
    }
  } catch {
    // Another system, or the first process of all.
  }
  return undefined;
}

module.exports = { mayShow };
