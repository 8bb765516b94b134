import { PluginError } from "../../plugin/errors";
import type { Client, Patience } from "../client";
import { Deadline } from "../deadline";
import type { Discovery } from "../discovery";
import { describe, type KubernetesObject, type ObjectRef } from "../objects";
import { Collection } from "./collection";
import type { AwaitRule, Snapshot, Verdict } from "./rule";

export interface WaitOptions {
  readonly signal: AbortSignal;
  readonly timeoutSeconds: number;
  /** What the object is when the time is over. Default "is not ready". */
  readonly unmet?: string;
  /** Called with each new line of progress. */
  readonly onStatus: (message: string) => void;
}

/** The wait ended without the object being ready. */
export class AwaitError extends PluginError {
  constructor(
    readonly reasons: readonly string[],
    /** The object as last seen; undefined when it is gone. */
    readonly object: KubernetesObject | undefined,
  ) {
    super(reasons.join("\n"));
    this.name = "AwaitError";
  }
}

/** Waits for objects by watching them and what belongs to them. */
export class Waiter {
  constructor(
    private readonly client: Client,
    private readonly discovery: Discovery,
  ) {}

  /**
   * Waits until the rule is content.
   *
   * @returns the object as last seen; undefined when it is gone.
   * @throws AwaitError on a verdict of failure, a timeout, or a cancelled run.
   */
  async wait(
    object: KubernetesObject,
    ref: ObjectRef,
    rule: AwaitRule,
    options: WaitOptions,
  ): Promise<KubernetesObject | undefined> {
    const limit = new Deadline(options.signal, options.timeoutSeconds * 1_000);
    try {
      return await this.untilDone(this.view(object, ref, rule), ref, rule, options, limit);
    } finally {
      limit.dispose();
    }
  }

  /** The verdict of this moment, without waiting. */
  async judge(
    object: KubernetesObject,
    ref: ObjectRef,
    rule: AwaitRule,
    patience: Patience,
  ): Promise<Verdict> {
    const view = this.view(object, ref, rule);
    await view.load(patience);
    return rule.evaluate(view);
  }

  private async untilDone(
    view: View,
    ref: ObjectRef,
    rule: AwaitRule,
    options: WaitOptions,
    limit: Deadline,
  ): Promise<KubernetesObject | undefined> {
    const { timeoutSeconds, onStatus } = options;
    const { signal } = limit;
    const patience = { signal, retryUntil: Date.now() + timeoutSeconds * 1_000 };
    let last: Verdict | undefined;
    try {
      await view.load(patience);
      const changes = new Changes(signal);
      view.follow(patience, () => changes.notify());
      for (let shown = ""; ;) {
        last = rule.evaluate(view);
        const line = statusLine(last);
        if (line !== shown) {
          onStatus(line);
          shown = line;
        }
        if (last.state !== "waiting") {
          break;
        }
        await changes.next();
      }
    } catch (error) {
      if (!signal.aborted) {
        throw error;
      }
      const what = limit.expired
        ? `${options.unmet ?? "is not ready"} after ${String(timeoutSeconds)} s`
        : "was not waited for: cancelled";
      throw new AwaitError([`${describe(ref)} ${what}`, ...problemsOf(last)], view.object);
    }
    if (last.state === "failed") {
      throw new AwaitError([`${describe(ref)} failed`, ...last.problems], view.object);
    }
    return view.object;
  }

  private view(object: KubernetesObject, ref: ObjectRef, rule: AwaitRule): View {
    const own = new Collection(
      this.client,
      this.discovery,
      { key: "", ...ref, fieldSelector: `metadata.name=${ref.name}` },
      true,
    );
    const others = rule
      .queries(object)
      .map((query): [string, Collection] => [
        query.key,
        new Collection(this.client, this.discovery, query, false),
      ]);
    return new View(own, new Map(others));
  }
}

/** The object and its related collections, kept up to date. */
class View implements Snapshot {
  constructor(
    private readonly own: Collection,
    private readonly others: ReadonlyMap<string, Collection>,
  ) {}

  get object(): KubernetesObject | undefined {
    return this.own.values().at(-1) as KubernetesObject | undefined;
  }

  readonly related = (key: string) => this.others.get(key)?.values() ?? [];

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

/** Lets one waiter sleep until something has changed since it last looked. */
class Changes {
  private pending = false;
  private wake: (() => void) | undefined;

  constructor(private readonly signal: AbortSignal) {}

  notify(): void {
    this.pending = true;
    this.wake?.();
  }

  async next(): Promise<void> {
    if (!this.pending) {
      await new Promise<void>((resolve, reject) => {
        const abort = (): void => {
          reject(new Error("aborted"));
        };
        this.signal.addEventListener("abort", abort, { once: true });
        if (this.signal.aborted) {
          abort();
        }
        this.wake = () => {
          this.signal.removeEventListener("abort", abort);
          resolve();
        };
      });
    }
    this.wake = undefined;
    this.pending = false;
  }
}

function statusLine(verdict: Verdict): string {
  if (verdict.state === "failed") {
    return verdict.problems.join("; ");
  }
  const [problem] = verdict.state === "waiting" ? verdict.problems : [];
  return problem === undefined ? verdict.message : `${verdict.message}: ${problem}`;
}

function problemsOf(verdict: Verdict | undefined): readonly string[] {
  if (verdict?.state !== "waiting") {
    return [];
  }
  return verdict.problems.length > 0 ? verdict.problems : [verdict.message];
}
