import type { Client, Patience } from "../client";
import type { Discovery } from "../discovery";
import type { KubernetesObject, ObjectRef } from "../objects";
import { Collection, type Trouble } from "./collection";
import type { AwaitRule, Snapshot } from "./rule";

/** An object and what its rule asks for, kept up to date. */
export class View implements Snapshot {
  private readonly own: Collection;
  private readonly others: ReadonlyMap<string, Collection>;
  private readonly since = Date.now();
  private over = false;

  constructor(
    client: Client,
    discovery: Discovery,
    private readonly first: KubernetesObject,
    ref: ObjectRef,
    rule: AwaitRule,
  ) {
    const named = { key: "", ...ref, fieldSelector: `metadata.name=${ref.name}` };
    this.own = new Collection(client, discovery, named, true);
    this.others = new Map(
      rule
        .queries(first)
        .map((query) => [query.key, new Collection(client, discovery, query, false)]),
    );
  }

  get object(): KubernetesObject | undefined {
    return this.own.values().at(-1) as KubernetesObject | undefined;
  }

  get last(): KubernetesObject {
    return this.object ?? (this.own.last as KubernetesObject | undefined) ?? this.first;
  }

  get waitedSeconds(): number {
    return this.over ? Number.POSITIVE_INFINITY : (Date.now() - this.since) / 1_000;
  }

  /** Why the view is not up to date; undefined where it is. */
  get trouble(): Trouble | undefined {
    return this.all().find(({ trouble }) => trouble !== undefined)?.trouble;
  }

  readonly related = (key: string) => this.others.get(key)?.values() ?? [];

  /** From now on nothing has any time left. */
  endGrace(): void {
    this.over = true;
  }

  async load(patience: Patience): Promise<void> {
    await Promise.all(this.all().map((collection) => collection.load(patience)));
  }

  follow(patience: Patience, changed: () => void): void {
    for (const collection of this.all()) {
      void collection.follow(patience, changed);
    }
  }

  private all(): Collection[] {
    return [this.own, ...this.others.values()];
  }
}

const TICK_MS = 1_000;

/** Lets one waiter sleep until something has changed since it last looked, or a second is over. */
export class Changes {
  private pending = false;
  private wake: (() => void) | undefined;

  constructor(private readonly signal: AbortSignal) {}

  notify(): void {
    this.pending = true;
    this.wake?.();
  }

  /** @throws Error when the signal aborts. */
  async next(): Promise<void> {
    if (!this.pending) {
      await this.sleep();
    }
    this.signal.throwIfAborted();
    this.wake = undefined;
    this.pending = false;
  }

  private sleep(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.signal.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, TICK_MS);
      this.signal.addEventListener("abort", wake, { once: true });
      this.wake = wake;
      if (this.signal.aborted) {
        wake();
      }
    });
  }
}
