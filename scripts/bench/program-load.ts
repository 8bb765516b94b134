import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";

import { parse } from "yaml";

import { ListeningEngine } from "./engine";
import { interleaved, type Measurement, root } from "./measure";

/** What the program imports of others; scripts/typescript.cjs adds esbuild. */
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
  const engine = new ListeningEngine();
  const address = await engine.start();
  try {
    const run = path.join(root, "node_modules/@pulumi/pulumi/cmd/run");
    const flags = {
      monitor: address,
      engine: address,
      project: "drydock",
      stack: "bench",
      pwd: root,
    };
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    const start = performance.now();
    await succeeded(
      spawn(process.execPath, [run, ...args, "--dry-run", "--parallel", "8", "."], {
        cwd: root,
        env: { ...process.env, PULUMI_CONFIG: JSON.stringify(devConfig()) },
        stdio: "inherit",
      }),
    );
    return ((engine.registrations.at(-1) ?? Number.NaN) - start) / 1000;
  } finally {
    engine.stop();
  }
}

/** As the language host hands it over: `drydock:config:apps` for `drydock:apps`, maps as JSON. */
function devConfig(): Record<string, string> {
  const file = parse(fs.readFileSync(path.join(root, "Pulumi.dev.yaml"), "utf8")) as {
    config: Record<string, unknown>;
  };
  const entries = Object.entries(file.config).map(([key, value]) => [
    key.replace(":", ":config:"),
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}

async function succeeded(child: ReturnType<typeof spawn>): Promise<void> {
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${child.spawnargs.join(" ")} ended with ${String(code)}`);
}
