"use strict";
// The SDK tells the engine of each step it takes, in some three calls for a resource. The engine shows them with
// `--debug` and writes them to its logs, and tells the program of neither: the CLI's command line does, where it
// can be read.
const fs = require("node:fs");
const path = require("node:path");

/** From the program over its language host to the CLI. */
const GENERATIONS = 4;
/** `--debug`, `-d`, `--verbose`, `-v`, `--logtostderr`, `--logflow`, `--event-log`, and short flags in one. */
const ASKING = /^(?:--(?:debug|verbose|log|event-log)|-[a-z]*[dv])/;
/** What Go's parser of flags takes for no. */
const NO = ["", "0", "f", "F", "false", "FALSE", "False"];

/** Whether the CLI may have been asked to show or to log debugging messages. */
function mayShow(environment = process.env, commandLine = commandLineOfCli()) {
  const { PULUMI_OPTION_DEBUG: debug = "", PULUMI_OPTION_VERBOSE: verbose = "" } = environment;
  if (!NO.includes(debug) || !NO.includes(verbose)) return true;
  return commandLine === undefined || commandLine.some((arg) => ASKING.test(arg));
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
