import { fstatSync } from "node:fs";

import { Server } from "@grpc/grpc-js";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb";

import { channelOptions, listen } from "./channel";
import { messageOf } from "./errors";
import { Children } from "./process";
import { type HostArguments, languageRuntime } from "./service";

/** Serves until the engine ends it: by a signal, or by its own end, which closes stdin. */
async function main(argv: readonly string[]): Promise<void> {
  const children = new Children();
  const server = new Server(channelOptions);
  server.addService(LanguageRuntimeService, languageRuntime(parseArguments(argv), children));
  const port = await listen(server);
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    void children.shutdown().finally(() => process.exit(0));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
  if (stdinIsPipe()) {
    // The engine never writes to it: its end is the end of the engine, kill -9 included.
    process.stdin.on("end", end).on("error", end).resume();
  }
  // A program may still print when nobody is left to read.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  // The engine reads the first line as the port; nothing may be printed before it.
  process.stdout.write(`${port}\n`);
}

/** `[--logtostderr] [-v=N] [--tracing URL] ENGINE_ADDRESS`, the address last. */
function parseArguments(argv: readonly string[]): HostArguments {
  const last = argv.at(-1);
  const tracing = argv.indexOf("--tracing");
  return {
    engineAddress: last !== undefined && /^[^-].*:\d+$/.test(last) ? last : undefined,
    tracing: tracing === -1 ? undefined : argv[tracing + 1],
  };
}

/** Started by hand (PULUMI_DEBUG_LANGUAGES), stdin is a terminal or /dev/null and says nothing. */
function stdinIsPipe(): boolean {
  try {
    const stdin = fstatSync(0);
    return stdin.isFIFO() || stdin.isSocket();
  } catch {
    return false;
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`pulumi-language-nodejs: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
