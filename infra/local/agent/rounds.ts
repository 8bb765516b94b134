import type { Collection } from "./collection";

const EVERY_MS = 2_000;

type Followed = Pick<Collection<never>, "run">;

/** Brings about what is wanted, round by round: one that fell short is made up for by the next. */
export class Rounds {
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly round: () => Promise<void>) {}

  /** One at a time: an older round must not write over a newer one, nor two open the same port. */
  next(): Promise<void> {
    this.last = this.last.then(this.round);
    return this.last;
  }

  /** Follows the collections until `signal` aborts. An API server that is away is waited for. */
  async whileFollowing(collections: readonly Followed[], signal: AbortSignal): Promise<void> {
    const retry = setInterval(() => void this.next(), EVERY_MS);
    await Promise.all(collections.map((collection) => collection.run(signal)));
    clearInterval(retry);
  }
}
