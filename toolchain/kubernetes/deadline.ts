/** What a timer can count; a longer one would go off at once. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * A signal that aborts with another one or after a time, whichever comes first. Made by hand: Node
 * 20 may collect a combined timeout signal before it has fired.
 */
export class Deadline {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private over = false;
  private readonly onAbort = (): void => {
    this.controller.abort(this.outer.reason);
  };

  constructor(
    private readonly outer: AbortSignal,
    milliseconds: number,
  ) {
    this.timer = setTimeout(
      () => {
        this.over = true;
        this.controller.abort();
      },
      Math.min(milliseconds, LONGEST_MS),
    );
    outer.addEventListener("abort", this.onAbort, { once: true });
    if (outer.aborted) {
      this.onAbort();
    }
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The time ran out; false while it runs, and when the other signal came first. */
  get expired(): boolean {
    return this.over;
  }

  /** Ends whatever still listens, and the timer. */
  dispose(): void {
    clearTimeout(this.timer);
    this.outer.removeEventListener("abort", this.onAbort);
    this.controller.abort();
  }
}
