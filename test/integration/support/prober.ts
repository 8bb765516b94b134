import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PROGRAM = join(__dirname, "..", "fixtures", "prober.cjs");
/** For an answer that must not come. */
const SILENCE_MS = 400;
/** For one that must: it comes at once, and on a busy machine a moment later. */
export const PATIENCE_MS = 5_000;

export interface Load {
  readonly answered: number;
  readonly failed: number;
}

/**
 * A process of the test in the network namespace of a pod or a node: its packets are theirs, and come
 * without the time that `kubectl exec` takes. It serves TCP 8080 and 8081, and UDP 5353.
 */
export class Prober {
  private readonly waiting = new Map<number, (answer: unknown) => void>();
  private last = 0;

  private constructor(private readonly child: ChildProcess) {
    const lines = createInterface({ input: child.stdout ?? process.stdin });
    lines.on("line", (line) => {
      const { id, answer } = JSON.parse(line) as { id: number; answer: unknown };
      this.waiting.get(id)?.(answer);
      this.waiting.delete(id);
    });
  }

  /** @param namespace the argument of nsenter that names it, such as `--net=/run/netns/x` */
  static async in(...namespace: string[]): Promise<Prober> {
    const child = spawn("nsenter", [...namespace, process.execPath, PROGRAM], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const prober = new Prober(child);
    await new Promise((resolve, reject) => {
      prober.waiting.set(0, resolve);
      child.once("exit", () => reject(new Error("the prober has ended")));
    });
    return prober;
  }

  /** @param timeout in ms */
  tcp(address: string, port: number, timeout: number = SILENCE_MS): Promise<boolean> {
    return this.ask("tcp", { address, port, timeout });
  }

  /** Whether a connection is taken, by one that need not echo. */
  connects(address: string, port: number): Promise<boolean> {
    return this.ask("tcp", { address, port, connectOnly: true });
  }

  /** @param timeout in ms */
  udp(address: string, port: number, timeout: number = SILENCE_MS): Promise<boolean> {
    return this.ask("udp", { address, port, timeout });
  }

  /** Whether a name server answers with an address. */
  dns(address: string, name: string): Promise<boolean> {
    return this.ask("dns", { address, name });
  }

  /** Opens a connection that stays; {@link talk} says whether it still answers. */
  hold(address: string, port: number): Promise<boolean> {
    return this.ask("hold", { address, port });
  }

  talk(): Promise<boolean> {
    return this.ask("talk", {});
  }

  /** Counts new connections, one after the other, while `work` runs. */
  async load(address: string, port: number, work: () => Promise<unknown>): Promise<Load> {
    await this.ask("loadStart", { address, port, timeout: PATIENCE_MS });
    let load: Promise<Load>;
    try {
      await work();
    } finally {
      load = this.ask<Load>("loadEnd", {});
    }
    return load;
  }

  stop(): void {
    this.child.stdin?.end();
    this.child.kill("SIGKILL");
  }

  private ask<T = boolean>(kind: string, order: object): Promise<T> {
    this.last += 1;
    const id = this.last;
    this.child.stdin?.write(`${JSON.stringify({ id, kind, timeout: SILENCE_MS, ...order })}\n`);
    return new Promise((resolve) => this.waiting.set(id, resolve as (answer: unknown) => void));
  }
}
