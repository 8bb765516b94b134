import { Agent, get, type OutgoingHttpHeaders } from "node:http";

export interface Load {
  readonly answered: number;
  readonly failed: readonly string[];
}

/**
 * Asks for a page by many connections that are kept, as fast as it is answered, until `done` says so.
 * Bounded: for at most three minutes.
 */
export async function loadWhile(
  url: string,
  done: () => Promise<boolean>,
  headers: OutgoingHttpHeaders = {},
): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const deadline = Date.now() + 180_000;
  let loading = true;
  let answered = 0;
  const failed: string[] = [];
  const worker = async () => {
    while (loading && Date.now() < deadline) {
      const problem = await problemOf(url, agent, headers);
      if (problem === undefined) answered += 1;
      else failed.push(problem);
    }
  };
  const workers = Array.from({ length: 16 }, worker);
  try {
    while (Date.now() < deadline && !(await done())) {
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  } finally {
    loading = false;
    await Promise.all(workers);
    agent.destroy();
  }
  return { answered, failed };
}

function problemOf(
  url: string,
  agent: Agent,
  headers: OutgoingHttpHeaders,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent, headers, timeout: 15_000 }, (response) => {
      response.resume();
      response.once("end", () =>
        resolve(response.statusCode === 200 ? undefined : `HTTP ${String(response.statusCode)}`),
      );
      response.once("error", (error) => resolve(error.message));
    });
    request.once("timeout", () => request.destroy(new Error("no answer")));
    request.once("error", (error) => resolve(error.message));
  });
}
