// A program of its own, so that it has a core of its own: asks for a page over connections that are kept
// open, as fast as the answers come. Arguments: URL, requests, connections, most seconds. Prints a Load.
import { connect, type Socket } from "node:net";

export interface Load {
  /** Whole answers with status 200. */
  readonly answered: number;
  /** What else became of a request, with how often. */
  readonly failed: Readonly<Record<string, number>>;
  /** Connections that were opened in all; one that the server announces to close is replaced. */
  readonly connections: number;
  readonly seconds: number;
}

const NOTHING = Buffer.alloc(0);
const END_OF_HEAD = Buffer.from("\r\n\r\n");
const END_OF_CHUNKS = Buffer.from("\r\n0\r\n\r\n");
/** As nginx writes it. */
const ANNOUNCED_END = Buffer.from("\r\nConnection: close\r\n");
const SILENCE_MS = 15_000;

class Generator {
  private answered = 0;
  private asked = 0;
  private connections = 0;
  private readonly failed: Record<string, number> = {};
  private readonly start = performance.now();
  private readonly request: Buffer;

  constructor(
    private readonly url: URL,
    private readonly requests: number,
    private readonly seconds: number,
  ) {
    this.request = Buffer.from(`GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
  }

  async run(connections: number): Promise<Load> {
    await Promise.all(Array.from({ length: connections }, () => this.client()));
    const { answered, failed } = this;
    return { answered, failed, connections: this.connections, seconds: this.elapsed() };
  }

  private elapsed(): number {
    return (performance.now() - this.start) / 1000;
  }

  private get isOver(): boolean {
    return this.asked >= this.requests || this.elapsed() >= this.seconds;
  }

  private async client(): Promise<void> {
    while (!this.isOver) await this.connection();
  }

  /** Until the server announces its end, a request fails, or there is nothing more to ask. */
  private connection(): Promise<void> {
    return new Promise((resolve) => {
      const { hostname, port } = this.url;
      const socket = connect({
        host: hostname,
        port: Number(port === "" ? 80 : port),
        noDelay: true,
      });
      this.connections += 1;
      let head: Buffer = NOTHING;
      let tail: Buffer = NOTHING;
      let waiting = true;
      const over = (problem?: string) => {
        if (waiting && problem !== undefined) this.fail(problem);
        waiting = false;
        socket.destroy();
        resolve();
      };
      socket.setTimeout(SILENCE_MS, () => over("no answer"));
      socket.on("error", (error: NodeJS.ErrnoException) => over(error.code ?? error.message));
      socket.on("close", () => over("closed before the answer was whole"));
      socket.on("connect", () => this.ask(socket));
      socket.on("data", (chunk) => {
        // The usual case is one chunk: no bytes are copied, and no text is made of them.
        if (!head.includes(END_OF_HEAD)) head = joined(head, chunk);
        tail = chunk.length < END_OF_CHUNKS.length ? joined(tail, chunk) : chunk;
        if (!tail.subarray(-END_OF_CHUNKS.length).equals(END_OF_CHUNKS)) return;
        const status = head.toString("latin1", 9, 12);
        if (status === "200") this.answered += 1;
        else this.fail(`HTTP ${status}`);
        waiting = false;
        if (head.includes(ANNOUNCED_END) || this.isOver) {
          over();
        } else {
          [head, tail, waiting] = [NOTHING, NOTHING, true];
          this.ask(socket);
        }
      });
    });
  }

  private ask(socket: Socket): void {
    this.asked += 1;
    socket.write(this.request);
  }

  private fail(problem: string): void {
    this.failed[problem] = (this.failed[problem] ?? 0) + 1;
  }
}

function joined(before: Buffer, chunk: Buffer): Buffer {
  return before.length === 0 ? chunk : Buffer.concat([before, chunk]);
}

if (require.main === module) {
  const [url = "", requests, connections, seconds] = process.argv.slice(2);
  const generator = new Generator(new URL(url), Number(requests), Number(seconds));
  void generator.run(Number(connections)).then((load) => {
    process.stdout.write(`${JSON.stringify(load)}\n`);
  });
}
