import { PluginError } from "../../plugin/errors";
import type { Client, Patience } from "../client";
import { Deadline } from "../deadline";
import type { Discovery } from "../discovery";
import { describe, type KubernetesObject, type ObjectRef } from "../objects";
import { outage } from "./collection";
import { bounded } from "./problems";
import type { AwaitRule, Verdict } from "./rule";
import { Changes, View } from "./view";

export interface WaitOptions {
  readonly signal: AbortSignal;
  readonly timeoutSeconds: number;
  /** What the object is when the time is over. Default "is not ready". */
  readonly unmet?: string;
  /** What becomes of a wait that the user has cancelled. */
  readonly cancelled: string;
  /** Called with each new line of progress. */
  readonly onStatus: (message: string) => void;
  /** Called with what is amiss although the wait is over. */
  readonly onWarning?: (message: string) => void;
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
   * Waits until the rule is content. An API server that is away meanwhile is waited for as well.
   *
   * @returns the object as last seen, also when it is gone.
   * @throws AwaitError on a verdict of failure, a timeout, or a cancelled run.
   */
  async wait(
    object: KubernetesObject,
    ref: ObjectRef,
    rule: AwaitRule,
    options: WaitOptions,
  ): Promise<KubernetesObject> {
    const limit = new Deadline(options.signal, options.timeoutSeconds * 1_000);
    const view = new View(this.client, this.discovery, object, ref, rule);
    try {
      const verdict = await this.untilDecided(view, rule, options, limit.signal);
      return settled(verdict, view, ref, options);
    } catch (error) {
      if (!limit.signal.aborted || error instanceof AwaitError) {
        throw error;
      }
      return outOfTime(view, ref, rule, options, limit);
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
    const view = new View(this.client, this.discovery, object, ref, rule);
    await view.load(patience);
    view.endGrace();
    return rule.evaluate(view);
  }

  private async untilDecided(
    view: View,
    rule: AwaitRule,
    { timeoutSeconds, onStatus }: WaitOptions,
    signal: AbortSignal,
  ): Promise<Verdict> {
    const retryUntil = Date.now() + timeoutSeconds * 1_000;
    const patience = {
      signal,
      retryUntil,
      onRetry: (reason: string) => onStatus(outage(reason).line),
    };
    await view.load(patience);
    const changes = new Changes(signal);
    view.follow(patience, () => changes.notify());
    for (let shown = ""; ;) {
      const verdict = rule.evaluate(view);
      const line = view.trouble?.line ?? statusLine(verdict);
      if (line !== shown) {
        onStatus(line);
        shown = line;
      }
      if (verdict.state !== "waiting") {
        return verdict;
      }
      await changes.next();
    }
  }
}

/** What a verdict that needs no more waiting comes to. */
function settled(
  verdict: Verdict,
  view: View,
  ref: ObjectRef,
  { onWarning }: WaitOptions,
): KubernetesObject {
  if (verdict.state === "failed") {
    throw new AwaitError([`${describe(ref)} failed`, ...bounded(verdict.problems)], view.last);
  }
  const warnings = verdict.state === "done" ? bounded(verdict.warnings) : [];
  for (const warning of warnings) {
    onWarning?.(`${describe(ref)}: ${warning}`);
  }
  return view.last;
}

/** The time is over, or the run is cancelled: what was good enough by then still counts. */
function outOfTime(
  view: View,
  ref: ObjectRef,
  rule: AwaitRule,
  options: WaitOptions,
  limit: Deadline,
): KubernetesObject {
  view.endGrace();
  const verdict = rule.evaluate(view);
  if (limit.expired && verdict.state !== "waiting") {
    return settled(verdict, view, ref, options);
  }
  const what = limit.expired
    ? `${options.unmet ?? "is not ready"} after ${String(options.timeoutSeconds)} s`
    : options.cancelled;
  const { trouble } = view;
  const unseen = trouble === undefined ? [] : [`not seen any more: ${trouble.reason}`];
  throw new AwaitError([`${describe(ref)} ${what}`, ...unseen, ...problemsOf(verdict)], view.last);
}

function statusLine(verdict: Verdict): string {
  if (verdict.state === "failed") {
    return bounded(verdict.problems).join("; ");
  }
  const [problem, ...more] = verdict.state === "waiting" ? bounded(verdict.problems) : [];
  if (problem === undefined) {
    return verdict.message;
  }
  const rest = more.length === 0 ? "" : ` (and ${String(more.length)} more)`;
  return `${verdict.message}: ${problem}${rest}`;
}

/** Why an object is not ready, in at least one line; none where it is. */
export function problemsOf(verdict: Verdict): readonly string[] {
  if (verdict.state === "done") {
    return [];
  }
  const message = verdict.state === "waiting" ? [verdict.message] : [];
  return verdict.problems.length > 0 ? bounded(verdict.problems) : message;
}
