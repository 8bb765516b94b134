import { credentials, Metadata } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

import type { Log } from "./provider";

const MAX_PENDING_MS = 2_000;

/** Sends messages to the engine. Before an engine is known they are dropped. */
export class EngineLog implements Log {
  private client: EngineClient | undefined;
  /** Settles when all that was sent has arrived. One after the other: calls may overtake. */
  private tail: Promise<void> = Promise.resolve();

  /** Uses the engine at `address` (host:port) from now on. */
  connect(address: string): void {
    this.client?.close();
    this.client = new EngineClient(address, credentials.createInsecure());
  }

  debug(message: string, urn?: string): void {
    this.send(LogSeverity.DEBUG, message, urn);
  }

  info(message: string, urn?: string): void {
    this.send(LogSeverity.INFO, message, urn);
  }

  warn(message: string, urn?: string): void {
    this.send(LogSeverity.WARNING, message, urn);
  }

  error(message: string, urn?: string): void {
    this.send(LogSeverity.ERROR, message, urn);
  }

  status(message: string, urn: string): void {
    this.send(LogSeverity.INFO, message, urn, true);
  }

  /** Waits until what was sent has arrived, so that a message precedes the answer it explains. */
  async flush(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, MAX_PENDING_MS);
    });
    await Promise.race([this.tail, limit]);
    clearTimeout(timer);
  }

  close(): void {
    this.client?.close();
    this.client = undefined;
  }

  private send(severity: LogSeverity, message: string, urn = "", ephemeral = false): void {
    const client = this.client;
    if (client === undefined) {
      return;
    }
    const request = new LogRequest();
    request.setSeverity(severity);
    request.setMessage(message);
    request.setUrn(urn);
    request.setEphemeral(ephemeral);
    // A message that cannot be delivered must not fail the operation it speaks of.
    this.tail = this.tail.then(
      () =>
        new Promise((resolve) => {
          const deadline = Date.now() + MAX_PENDING_MS;
          client.log(request, new Metadata(), { deadline }, () => resolve());
        }),
    );
  }
}
