import { PartialFailure } from "../plugin/errors";
import type { Context } from "../plugin/provider";
import type { PropertyMap } from "../plugin/values";
import { skipsAwait } from "./annotations";
import { awaitRuleFor } from "./await";
import { AwaitError } from "./await/wait";
import type { Patience } from "./client";
import type { Cluster } from "./cluster";
import { formatId, refOf, type KubernetesObject } from "./objects";
import { toOutputs, type Marks } from "./state";

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
  const rule = awaitRuleFor(ref.apiVersion, ref.kind);
  if (rule === undefined || skipsAwait(live)) {
    return toOutputs(live, inputs, marks);
  }
  try {
    const ready = await cluster.waiter.wait(live, ref, rule, {
      signal: context.signal,
      timeoutSeconds,
      onStatus: (message) => context.log.status(message, urn),
    });
    return toOutputs(ready ?? live, inputs, marks);
  } catch (error) {
    const reasons = error instanceof AwaitError ? error.reasons : [(error as Error).message];
    const seen = error instanceof AwaitError ? (error.object ?? live) : live;
    throw new PartialFailure(formatId(ref), toOutputs(seen, inputs, marks), reasons);
  }
}

/** Why an object that is waited for on changes is not ready at this moment. */
export async function unreadiness(
  cluster: Cluster,
  live: KubernetesObject,
  patience: Patience,
): Promise<readonly string[]> {
  const ref = refOf(live);
  const rule = awaitRuleFor(ref.apiVersion, ref.kind);
  if (rule === undefined || skipsAwait(live)) {
    return [];
  }
  const verdict = await cluster.waiter.judge(live, ref, rule, patience);
  switch (verdict.state) {
    case "done":
      return [];
    case "failed":
      return verdict.problems;
    case "waiting":
      return verdict.problems.length > 0 ? verdict.problems : [verdict.message];
  }
}
