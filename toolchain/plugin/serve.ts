import { fstatSync } from "node:fs";

import { Server, ServerCredentials } from "@grpc/grpc-js";

import type { Session } from "./call";
import { EngineLog } from "./log";
import type { ProviderPlugin } from "./provider";
import { providerMethods, providerService } from "./service";

export * from "./errors";
export * from "./provider";
export * from "./values";

/** Room for large objects: state of a Helm chart or CRDs goes well over grpc's own 4 MiB. */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

/** Time for running calls to notice the abort and clean up. */
const SHUTDOWN_GRACE_MS = 2_000;

export interface RunningProvider {
  /** Port on 127.0.0.1. */
  readonly port: number;
  /** Aborts what runs, waits for it briefly and closes the server. */
  stop(): Promise<void>;
}

/**
 * Starts the gRPC service of `plugin` on a free loopback port, without touching the process.
 *
 * @param engineAddress host:port of the engine's log service; none: messages are dropped.
 */
export async function startProvider(
  plugin: ProviderPlugin,
  engineAddress?: string,
): Promise<RunningProvider> {
  const session: Session = {
    log: new EngineLog(),
    cancellation: new AbortController(),
    running: new Set(),
  };
  if (engineAddress !== undefined) {
    session.log.connect(engineAddress);
  }
  const server = new Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  });
  server.addService(providerMethods, providerService(plugin, session));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) {
        resolve(bound);
      } else {
        reject(error);
      }
    });
  });
  return { port, stop: () => stop(server, session) };
}

/**
 * Serves `plugin` as a Pulumi plugin process: prints the port as the only line on stdout and ends
 * with the engine, also when that is killed (its end of stdin closes then) or sends a signal.
 */
export async function serveProvider(plugin: ProviderPlugin): Promise<void> {
  const running = await startProvider(plugin, engineAddressFrom(process.argv.slice(2)));
  let ending = false;
  const end = (): void => {
    if (!ending) {
      ending = true;
      void running.stop().finally(() => process.exit(0));
    }
  };
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  if (stdinIsPipe()) {
    process.stdin.once("end", end);
    process.stdin.once("error", end);
    process.stdin.resume();
  }
  process.stdout.write(`${String(running.port)}\n`);
}

/** The engine passes its address last, after flags. */
function engineAddressFrom(args: readonly string[]): string | undefined {
  const last = args.at(-1);
  return last !== undefined && /:\d+$/.test(last) && !last.startsWith("-") ? last : undefined;
}

/** Started by hand (PULUMI_DEBUG_PROVIDERS), stdin is a terminal or /dev/null and says nothing. */
function stdinIsPipe(): boolean {
  try {
    const stdin = fstatSync(0);
    return stdin.isFIFO() || stdin.isSocket();
  } catch {
    return false;
  }
}

async function stop(server: Server, session: Session): Promise<void> {
  session.cancellation.abort();
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, SHUTDOWN_GRACE_MS);
  });
  await Promise.race([Promise.allSettled(session.running), limit]);
  clearTimeout(timer);
  session.log.close();
  server.forceShutdown();
}
