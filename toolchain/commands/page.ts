import { lookup } from "node:dns";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, fetch } from "undici";

import { reasonOf, ToolError } from "../errors";

const REQUEST_MS = 3_000;
const POLL_MS = 250;

/** Names below `.localhost` lead to this machine in browsers and curl, and in glibc do not (RFC 6761, 6.3). */
const likeBrowsers = new Agent({
  connect: {
    lookup: (name, options, callback) =>
      lookup(name.endsWith(".localhost") ? "localhost" : name, options, callback),
  },
});

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
        dispatcher: likeBrowsers,
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
        fix: /ENOTFOUND|EAI_AGAIN/.test(last)
          ? "let the name lead to the ingress, in DNS or /etc/hosts; `pulumi stack output` and `kubectl get ingress -A` tell where it is"
          : 'eval "$(npm run -s env)"; kubectl get pods,services,ingresses,events -A',
      });
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}
