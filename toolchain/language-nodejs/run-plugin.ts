import { once } from "node:events";
import type { Readable } from "node:stream";

import type { ServerWritableStream } from "@grpc/grpc-js";
import type { AnalyzerStackConfigureRequest } from "@pulumi/pulumi/proto/analyzer_pb";
import { type RunPluginRequest, RunPluginResponse } from "@pulumi/pulumi/proto/language_pb";

import { AnalyzerProxy } from "./analyzer-proxy";
import { LanguageHostError, messageOf } from "./errors";
import { optionsEnvironment, type Program, programFrom } from "./options";
import type { Child, Children } from "./process";
import { resolveSdk } from "./run";

type Call = ServerWritableStream<RunPluginRequest, RunPluginResponse>;

/**
 * Runs a plugin given as a folder (PulumiPlugin.yaml or PulumiPolicy.yaml) until it ends or the
 * engine drops the call, and streams its stdout, stderr and exit code.
 */
export async function runPlugin(call: Call, children: Children): Promise<void> {
  const program = programFrom(call.request.getInfo());
  if (call.request.getAttachDebugger()) {
    throw new LanguageHostError(
      'this language host has no --attach-debugger: set the runtime option "nodeargs" to --inspect-brk',
    );
  }
  const run = call.request.getKind() === "analyzer" ? runPolicyPack : runProvider;
  const { code, signal } = await run(call, program, children);
  if (signal !== null && !call.cancelled) {
    throw new LanguageHostError(`the plugin in ${program.directory} was ended by ${signal}`);
  }
  call.write(new RunPluginResponse().setExitcode(code ?? 0));
}

async function runProvider(call: Call, program: Program, children: Children) {
  const { request } = call;
  const child = await children.start(
    process.execPath,
    [
      ...program.options.nodeargs,
      resolveSdk(program, "cmd/run-plugin", `npm install in ${program.directory}`),
      program.directory,
      ...request.getArgsList(),
    ],
    { cwd: request.getPwd(), env: pluginEnvironment(request, program) },
  );
  follow(call, child);
  child.stdout.on("data", (data: Buffer) => call.write(new RunPluginResponse().setStdout(data)));
  return child.exited;
}

async function runPolicyPack(call: Call, program: Program, children: Children) {
  const { request } = call;
  const runner = resolveSdk(program, "cmd/run-policy-pack", `npm install in ${program.directory}`);
  const { proxy, port } = await AnalyzerProxy.start();
  const drop = () => proxy.close("the engine has dropped the policy pack");
  call.on("cancelled", drop);
  try {
    call.write(new RunPluginResponse().setStdout(Buffer.from(`${port}\n`)));
    const stack = await proxy.stack;
    const child = await children.start(
      process.execPath,
      [...program.options.nodeargs, runner, ...request.getArgsList(), program.directory],
      {
        cwd: program.directory,
        env: { ...pluginEnvironment(request, program), ...stackEnvironment(stack) },
      },
    );
    follow(call, child);
    const packPort = await firstLine(child.stdout);
    if (packPort !== undefined) {
      child.stdout.on("data", (data: Buffer) =>
        call.write(new RunPluginResponse().setStdout(data)),
      );
      await proxy.attach(Number(packPort));
    }
    const exit = await child.exited;
    proxy.close(`the policy pack in ${program.directory} has ended`);
    return exit;
  } catch (error) {
    proxy.close(messageOf(error));
    throw error;
  }
}

/** Streams stderr, and ends the child with the call. */
function follow(call: Call, child: Child): void {
  child.stderr.on("data", (data: Buffer) => call.write(new RunPluginResponse().setStderr(data)));
  if (call.cancelled) void child.stop();
  else call.on("cancelled", () => void child.stop());
}

/** The engine gives a plugin its whole environment; the host's own is not added. */
function pluginEnvironment(request: RunPluginRequest, program: Program): NodeJS.ProcessEnv {
  const given = request.getEnvList().map((entry) => {
    const separator = entry.indexOf("=");
    return [entry.slice(0, separator), entry.slice(separator + 1)] as const;
  });
  return { ...Object.fromEntries(given), ...optionsEnvironment(program.options) };
}

/** What the SDK of a policy pack reads; configuration with secrets in the clear. */
function stackEnvironment(stack: AnalyzerStackConfigureRequest | undefined): NodeJS.ProcessEnv {
  if (stack === undefined) return {};
  return {
    PULUMI_NODEJS_ORGANIZATION: stack.getOrganization(),
    PULUMI_NODEJS_PROJECT: stack.getProject(),
    PULUMI_NODEJS_STACK: stack.getStack(),
    PULUMI_NODEJS_DRY_RUN: String(stack.getDryRun()),
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(stack.getConfigMap().toArray())),
  };
}

/** Reads up to the first line break and leaves the rest in the stream; undefined when it ends before. */
async function firstLine(stream: Readable): Promise<string | undefined> {
  let text = "";
  while (!text.includes("\n")) {
    const chunk = stream.read() as Buffer | null;
    if (chunk !== null) text += chunk.toString("latin1");
    else if (stream.readableEnded || stream.destroyed) return undefined;
    else await Promise.race([once(stream, "readable"), once(stream, "end")]);
  }
  const end = text.indexOf("\n");
  stream.removeAllListeners("readable");
  const rest = Buffer.from(text.slice(end + 1), "latin1");
  if (rest.length > 0) stream.unshift(rest);
  return text.slice(0, end);
}
