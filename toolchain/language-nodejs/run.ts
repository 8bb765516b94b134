import { createRequire } from "node:module";
import path from "node:path";
import type { Readable } from "node:stream";

import { type RunRequest, RunResponse } from "@pulumi/pulumi/proto/language_pb";

import { LanguageHostError } from "./errors";
import { optionsEnvironment, type Program, programFrom } from "./options";
import type { Child, Children } from "./process";

/** The SDK's runner ends with it when the user has been told what went wrong. */
const EXIT_BAIL = 32;
/** What V8 prints when it gives up. */
const OUT_OF_MEMORY = "<--- Last few GCs --->";

/** Addresses of the engine, as given to the host. */
export interface Engine {
  /** host:port of the engine's own service (logs). */
  readonly address: string;
  /** Endpoint for traces. Default: none. */
  readonly tracing?: string | undefined;
}

/**
 * Runs a program to its end; its output goes to the host's own stdout and stderr.
 *
 * @param dropped aborted when the engine has given up the call
 * @throws LanguageHostError when the program cannot be started.
 */
export async function run(
  request: RunRequest,
  engine: Engine,
  children: Children,
  dropped: AbortSignal,
): Promise<RunResponse> {
  const program = programFrom(request.getInfo());
  if (request.getAttachDebugger()) {
    throw new LanguageHostError(
      'this language host has no --attach-debugger: set the runtime option "nodeargs" to --inspect-brk',
    );
  }
  const child = await children.start(process.execPath, commandLine(request, program, engine), {
    cwd: process.cwd(),
    env: { ...process.env, ...programEnvironment(request, program) },
  });
  if (dropped.aborted) void child.stop();
  else dropped.addEventListener("abort", () => void child.stop());
  return result(child, passThrough(child));
}

function commandLine(request: RunRequest, program: Program, engine: Engine): string[] {
  const flags = {
    monitor: request.getMonitorAddress(),
    engine: engine.address,
    organization: request.getOrganization(),
    project: request.getProject(),
    "root-directory": program.rootDirectory,
    stack: request.getStack(),
    pwd: program.directory,
    parallel: String(request.getParallel()),
    tracing: engine.tracing ?? "",
  };
  return [
    ...program.options.nodeargs,
    resolveSdk(program, "cmd/run", "pulumi install"),
    ...Object.entries(flags).flatMap(([name, value]) => (value === "" ? [] : [`--${name}`, value])),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    // The SDK takes the first word that is no flag for the program: nothing may stand before it.
    program.entryPoint,
    ...request.getArgsList(),
  ];
}

/** Configuration travels as the SDK reads it: secrets in the clear, hence never as arguments. */
function programEnvironment(request: RunRequest, program: Program): Record<string, string> {
  const config = request
    .getConfigMap()
    .toArray()
    .map(([key, value]) => [configKey(key), value] as const);
  return {
    ...optionsEnvironment(program.options),
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(config)),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
  };
}

/** `ns:key` as `ns:config:key`, the form that every version of the SDK understands. */
function configKey(key: string): string {
  const parts = key.split(":");
  return parts.length === 2 ? parts.join(":config:") : key;
}

/**
 * The path of one of the SDK's runners, as the program itself would resolve it.
 *
 * @throws LanguageHostError that names the command which installs the SDK.
 */
export function resolveSdk(program: Program, runner: string, installCommand: string): string {
  try {
    return createRequire(path.join(program.directory, "package.json")).resolve(
      `@pulumi/pulumi/${runner}`,
    );
  } catch {
    throw new LanguageHostError(
      `the package @pulumi/pulumi is not installed for ${program.directory}: run ${installCommand}`,
    );
  }
}

/** @returns whether the program has run out of memory, known once it ended. */
function passThrough(child: Child): () => boolean {
  let exhausted = false;
  child.stderr.on("data", (data: Buffer) => {
    exhausted ||= data.includes(OUT_OF_MEMORY);
  });
  const forward = (from: Readable, to: NodeJS.WriteStream) => from.pipe(to, { end: false });
  forward(child.stdout, process.stdout);
  forward(child.stderr, process.stderr);
  return () => exhausted;
}

async function result(child: Child, outOfMemory: () => boolean): Promise<RunResponse> {
  const { code, signal } = await child.exited;
  const response = new RunResponse();
  if (code === 0) return response;
  // The engine asked for the end and says so itself.
  if (code === EXIT_BAIL || child.stopped) return response.setBail(true);
  const ending =
    signal === null
      ? `Program exited with non-zero exit code: ${String(code)}`
      : `Program was ended by ${signal}`;
  return response.setError(
    outOfMemory()
      ? `${ending}. It ran out of memory: give it more with the runtime option "nodeargs", for example --max-old-space-size=4096 (in MiB)`
      : ending,
  );
}
