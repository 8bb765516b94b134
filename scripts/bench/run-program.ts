import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";

import { root } from "./measure";

/**
 * Starts the program as Pulumi's language host does for a preview.
 * @param engine address of the engine's and the monitor's service
 * @param config full keys, such as `drydock:apps`; maps and lists as data
 * @param parent program and first arguments of the process that starts it; default: this one does
 */
export function runProgram(
  engine: string,
  config: Readonly<Record<string, unknown>>,
  parent: readonly string[] = [],
): ChildProcess {
  const start = ["--require", "./scripts/start.cjs"]; // `nodeargs` of Pulumi.yaml.
  const run = path.join(root, "node_modules/@pulumi/pulumi/cmd/run");
  const flags = { monitor: engine, engine, project: "drydock", stack: "bench", pwd: root };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  const program = [...start, run, ...args, "--dry-run", "--parallel", "8", "."];
  const [file = process.execPath, ...rest] = [...parent, process.execPath, ...program];
  return spawn(file, rest, {
    cwd: root,
    env: { ...process.env, PULUMI_CONFIG: JSON.stringify(hostConfig(config)) },
    stdio: "inherit",
  });
}

/** @returns the exit code; undefined where a signal ended the process */
export async function exitCode(child: ChildProcess): Promise<number | undefined> {
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? undefined;
}

/** As the language host hands it over: `drydock:config:apps` for `drydock:apps`, maps as JSON. */
function hostConfig(config: Readonly<Record<string, unknown>>): Record<string, string> {
  const entries = Object.entries(config).map(([key, value]) => [
    key.replace(":", ":config:"),
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}
