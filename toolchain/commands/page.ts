import { setTimeout as sleep } from "node:timers/promises";
import { fetch } from "undici";

import { reasonOf, ToolError } from "../errors";

const REQUEST_MS = 3_000;
const POLL_MS = 250;

/**
 * Fetches a page until it answers well.
 * @param withinMs default a minute: the pods are ready, only the way to them is still being made
 * @returns the HTTP status
 */
export async function waitForPage(
  url: string,
  signal: AbortSignal,
  withinMs = 60_000,
): Promise<number> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    let last: string;
    try {
      const response = await fetch(url, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
      });
      await response.body?.cancel();
      if (response.ok) return response.status;
      last = `HTTP ${response.status}`;
    } catch (error) {
      signal.throwIfAborted();
      last = reasonOf(error);
    }
    if (Date.now() > deadline) {
      throw new ToolError({
        what: "the stack is up, but its page does not answer",
        where: url,
        why: last,
        fix: 'eval "$(npm run -s env)"; kubectl get pods,services,events -A',
      });
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}
