import { setTimeout as sleep } from "node:timers/promises";

/** A token bucket: `burst` requests at once, then `perSecond`. */
export class RateLimit {
  private tokens: number;
  private updated = performance.now();

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
  ) {
    this.tokens = burst;
  }

  /** Waits for a turn; rejects when `signal` aborts first. */
  async take(signal: AbortSignal): Promise<void> {
    const now = performance.now();
    const refill = ((now - this.updated) / 1_000) * this.perSecond;
    this.tokens = Math.min(this.burst, this.tokens + refill) - 1;
    this.updated = now;
    // A negative balance is the place in the queue.
    if (this.tokens < 0) {
      await sleep((-this.tokens / this.perSecond) * 1_000, undefined, { signal });
    }
  }
}
