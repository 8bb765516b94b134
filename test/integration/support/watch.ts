import { Agent, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MS = 40;
const TIMEOUT_MS = 3_000;

export interface Seen {
  readonly answered: number;
  /** What failed, and when after the last {@link Watch.take}. */
  readonly failed: readonly string[];
}

/** Asks for a page all the time: by a new connection each, and by one that is kept. */
export class Watch {
  private answered = 0;
  private failed: string[] = [];
  private since = Date.now();
  private watching = true;
  private readonly kept = new Agent({ keepAlive: true, maxSockets: 1 });
  private readonly watchers: Promise<void>[];

  constructor(private readonly url: string) {
    this.watchers = [this.ask("new connection", false), this.ask("kept connection", this.kept)];
  }

  /** What was seen since the last time. */
  take(): Seen {
    const { answered, failed } = this;
    Object.assign(this, { answered: 0, failed: [], since: Date.now() });
    return { answered, failed };
  }

  async stop(): Promise<Seen> {
    this.watching = false;
    await Promise.all(this.watchers);
    this.kept.destroy();
    return this.take();
  }

  private async ask(how: string, agent: Agent | false): Promise<void> {
    while (this.watching) {
      const problem = await fails(this.url, agent);
      if (problem === undefined) {
        this.answered += 1;
      } else {
        this.failed.push(`${problem} by a ${how} after ${String(Date.now() - this.since)} ms`);
      }
      await sleep(PAUSE_MS);
    }
  }
}

function fails(url: string, agent: Agent | false): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent, timeout: TIMEOUT_MS }, (response) => {
      response.resume();
      response.once("end", () =>
        resolve(response.statusCode === 200 ? undefined : `HTTP ${String(response.statusCode)}`),
      );
      response.once("error", (error) => resolve(error.message));
    });
    request.once("timeout", () => request.destroy(new Error("no answer")));
    request.once("error", (error) =>
      resolve((error as NodeJS.ErrnoException).code ?? String(error)),
    );
  });
}
