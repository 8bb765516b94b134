import { PartialFailure, PluginError } from "../plugin/errors";
import type { CheckFailure, Context } from "../plugin/provider";
import type { PropertyMap } from "../plugin/values";
import { annotationWarnings } from "./annotations";
import { chooseRule } from "./await";
import { deletionRule } from "./await/deletion";
import { AwaitError, problemsOf } from "./await/wait";
import { WAIT_FOR } from "./await/wait-for-syntax";
import type { Patience } from "./client";
import type { Cluster } from "./cluster";
import { formatId, refOf, textAt, type KubernetesObject, type ObjectRef } from "./objects";
import { toManifest, toOutputs, type Marks } from "./state";

interface Waiting {
  readonly urn: string;
  readonly timeoutSeconds: number;
  readonly context: Context;
}

/** Waits for readiness; a failure leaves the object in state, with the reasons. */
export async function settle(
  cluster: Cluster,
  live: KubernetesObject,
  inputs: PropertyMap,
  marks: Marks,
  { urn, timeoutSeconds, context }: Waiting,
): Promise<PropertyMap> {
  const ref = refOf(live);
  try {
    const rule = chooseRule(toManifest(inputs));
    if (rule === undefined) {
      return toOutputs(live, inputs, marks);
    }
    const ready = await cluster.waiter.wait(live, ref, rule, {
      signal: context.signal,
      timeoutSeconds,
      cancelled: "was not waited for: cancelled. It stays in state; the next update waits for it",
      onStatus: (message) => context.log.status(message, urn),
      onWarning: (message) => context.log.warn(message, urn),
    });
    return toOutputs(ready, inputs, marks);
  } catch (error) {
    const reasons = error instanceof AwaitError ? error.reasons : [(error as Error).message];
    const seen = error instanceof AwaitError ? (error.object ?? live) : live;
    throw new PartialFailure(formatId(ref), toOutputs(seen, inputs, marks), reasons);
  }
}

/** Waits until a deleted object is gone; where that fails it stays in state. */
export async function settleDeletion(
  cluster: Cluster,
  live: KubernetesObject,
  ref: ObjectRef,
  { urn, timeoutSeconds, context }: Waiting,
): Promise<void> {
  await cluster.waiter.wait(live, ref, deletionRule(textAt(live, "metadata", "uid")), {
    signal: context.signal,
    timeoutSeconds,
    unmet: "is not gone",
    cancelled: "is being deleted, but was not waited for: cancelled. It stays in state until then",
    onStatus: (message) => context.log.status(message, urn),
  });
}

/** Why an object that is waited for on changes is not ready at this moment. */
export async function unreadiness(
  cluster: Cluster,
  live: KubernetesObject,
  declared: KubernetesObject,
  patience: Patience,
): Promise<readonly string[]> {
  const rule = chooseRule(declared);
  return rule === undefined
    ? []
    : problemsOf(await cluster.waiter.judge(live, refOf(live), rule, patience));
}

/** What is wrong with the annotations that say how to wait; the lesser faults are only told. */
export function checkAwait(
  declared: KubernetesObject,
  onWarning: (text: string) => void,
): CheckFailure[] {
  annotationWarnings(declared).forEach((text) => onWarning(text));
  try {
    chooseRule(declared);
    return [];
  } catch (error) {
    if (!(error instanceof PluginError)) {
      throw error;
    }
    return [{ property: `metadata.annotations["${WAIT_FOR}"]`, reason: error.message }];
  }
}
