import { Agent, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MS = 40;
/** For an answer that never comes; a late one is told as such. */
const TIMEOUT_MS = 10_000;

export interface Seen {
  readonly answered: number;
  /** Of those the one that took longest, in ms. */
  readonly slowestMs: number;
  /** What failed, and when after the last {@link Watch.take}. */
  readonly failed: readonly string[];
}

/** Asks for a page all the time: by a new connection each, and by one that is kept. */
export class Watch {
  private answered = 0;
  private slowestMs = 0;
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
    const { answered, slowestMs, failed } = this;
    Object.assign(this, { answered: 0, slowestMs: 0, failed: [], since: Date.now() });
    return { answered, slowestMs, failed };
  }

  async stop(): Promise<Seen> {
    this.watching = false;
    await Promise.all(this.watchers);
    this.kept.destroy();
    return this.take();
  }

  private async ask(how: string, agent: Agent | false): Promise<void> {
    while (this.watching) {
      const asked = Date.now();
      const problem = await fails(this.url, agent);
      if (problem === undefined) {
        this.answered += 1;
        this.slowestMs = Math.max(this.slowestMs, Date.now() - asked);
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
      response.once("error", (error) => resolve(codeOf(error)));
    });
    request.once("timeout", () => request.destroy(new Error("no answer")));
    request.once("error", (error) => resolve(codeOf(error)));
  });
}

/** An answer that breaks off is "aborted", and its code says by what. */
const codeOf = (error: NodeJS.ErrnoException): string => error.code ?? String(error);
