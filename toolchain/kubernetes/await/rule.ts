import { textAt, type JsonMap, type KubernetesObject } from "../objects";

/** Objects whose changes decide whether another object is ready. */
export interface Query {
  /** Name under which a {@link Snapshot} holds what is found. */
  readonly key: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty: all namespaces, or a cluster-scoped kind. */
  readonly namespace: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Keep in view what is deleted while it is watched. Default false. */
  readonly keepDeleted?: boolean;
}

/** The object and its related ones at one moment. */
export interface Snapshot {
  /** Undefined once it has been deleted. */
  readonly object: KubernetesObject | undefined;
  /** The object as it was last seen, also when it is gone. */
  readonly last: KubernetesObject;
  /** What a query found; empty also where reading it is not permitted. */
  readonly related: (key: string) => readonly JsonMap[];
  /** Seconds since the wait began; infinite when it is over or nobody waits: no grace is left. */
  readonly waitedSeconds: number;
}

export type Verdict =
  /** It is what it should be; the warnings tell what is still amiss with it. */
  | { readonly state: "done"; readonly message: string; readonly warnings: readonly string[] }
  /** Not yet; the problems seen so far, for the user to act on. */
  | { readonly state: "waiting"; readonly message: string; readonly problems: readonly string[] }
  /** It will not become so by waiting. */
  | { readonly state: "failed"; readonly problems: readonly string[] };

/** When an object of a kind is ready. Both methods are pure. */
export interface AwaitRule {
  queries(object: KubernetesObject): readonly Query[];
  evaluate(snapshot: Snapshot): Verdict;
}

/** What a rule says of an object that is there. */
interface ExistingRule {
  readonly queries?: (object: KubernetesObject) => readonly Query[];
  readonly evaluate: (object: KubernetesObject, snapshot: Snapshot) => Verdict;
}

/** A rule for objects that have to stay: one that is deleted meanwhile has failed. */
export function whileItExists({ queries, evaluate }: ExistingRule): AwaitRule {
  return {
    queries: queries ?? (() => []),
    evaluate: (snapshot) =>
      snapshot.object === undefined
        ? failed(`the ${textAt(snapshot.last, "kind")} was deleted while it was waited for`)
        : evaluate(snapshot.object, snapshot),
  };
}

export function done(message: string, warnings: readonly string[] = []): Verdict {
  return { state: "done", message, warnings };
}

export function waiting(message: string, problems: readonly string[] = []): Verdict {
  return { state: "waiting", message, problems };
}

export function failed(...problems: string[]): Verdict {
  return { state: "failed", problems };
}

/** A label selector in its query form; undefined where it selects nothing or everything. */
export function formatSelector(matchLabels: JsonMap): string | undefined {
  const terms = Object.keys(matchLabels).map((key) => `${key}=${textAt(matchLabels, key)}`);
  return terms.length === 0 ? undefined : terms.join(",");
}
