import type { handleUnaryCall, sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";

import type { EngineLog } from "./log";
import { nameAndType } from "./messages";
import { CancelledError, NotOffered, toServiceError } from "./status";

/** The running side of a plugin: its log, the signal of Cancel and the calls under way. */
export interface Session {
  readonly log: EngineLog;
  /** Replaced when a further engine attaches after an earlier one has cancelled. */
  cancellation: AbortController;
  readonly running: Set<Promise<unknown>>;
}

/** One call: its answer or error, after the messages that belong to it. */
export function unary<Q, R>(
  session: Session,
  method: (request: Q) => Promise<R>,
): handleUnaryCall<Q, R> {
  const answer = async (request: Q, callback: sendUnaryData<R>): Promise<void> => {
    try {
      const response = await method(request);
      await session.log.flush();
      callback(null, response);
    } catch (error) {
      if (error instanceof Error) {
        session.log.debug(error.stack ?? error.message);
      }
      await session.log.flush();
      callback(toServiceError(isAbort(error, session) ? new CancelledError() : error));
    }
  };
  return (call: ServerUnaryCall<Q, R>, callback: sendUnaryData<R>): void => {
    const running = answer(call.request, callback).finally(() => session.running.delete(running));
    session.running.add(running);
  };
}

function isAbort(error: unknown, { cancellation }: Session): boolean {
  return cancellation.signal.aborted && error instanceof Error && error.name === "AbortError";
}

/** The answer of an optional method; without the method, "unimplemented". */
export function offered<T>(answer: Promise<T> | undefined): Promise<T> {
  return answer ?? Promise.reject(new NotOffered());
}

export function target(request: { getUrn(): string; getId(): string }): {
  urn: string;
  type: string;
  id: string;
} {
  const urn = request.getUrn();
  return { urn, type: nameAndType(urn).type, id: request.getId() };
}

export function timeoutOf(request: { getTimeout(): number }): { timeoutSeconds?: number } {
  const timeoutSeconds = request.getTimeout();
  return timeoutSeconds > 0 ? { timeoutSeconds } : {};
}
