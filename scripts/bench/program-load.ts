import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { parse } from "yaml";

import { ListeningEngine } from "./engine";
import { interleaved, type Measurement, root } from "./measure";
import { exitCode, runProgram } from "./run-program";

/** What the program imports of others. */
const packages = ["@pulumi/pulumi", "@pulumi/kubernetes", "zod"];

/**
 * The program, from the start of its Node process to its last registration, against the bare import of
 * its packages from start to end of a Node process.
 */
export async function programLoad(rounds: number): Promise<Measurement[]> {
  const [program, bare] = await interleaved(rounds, [loadProgram, importPackages]);
  return [
    { name: "import of the program's packages", value: bare, unit: "s" },
    { name: "program load", value: program, unit: "s" },
    { name: "program load / import", value: program / bare, unit: "x", limit: 1.3 },
  ];
}

async function importPackages(): Promise<number> {
  const script = packages.map((name) => `require(${JSON.stringify(name)});`).join("");
  const start = performance.now();
  await succeeded(spawn(process.execPath, ["-e", script], { cwd: root, stdio: "inherit" }));
  return (performance.now() - start) / 1000;
}

async function loadProgram(): Promise<number> {
  const file = fs.readFileSync(path.join(root, "Pulumi.dev.yaml"), "utf8");
  const { config } = parse(file) as { config: Record<string, unknown> };
  const engine = new ListeningEngine();
  const address = await engine.start();
  try {
    const start = performance.now();
    await succeeded(runProgram(address, config));
    return ((engine.registrations.at(-1) ?? Number.NaN) - start) / 1000;
  } finally {
    engine.stop();
  }
}

async function succeeded(child: ChildProcess): Promise<void> {
  const code = await exitCode(child);
  if (code !== 0) throw new Error(`${child.spawnargs.join(" ")} ended with ${String(code)}`);
}
