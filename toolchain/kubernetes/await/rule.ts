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
}

/** The object and its related ones at one moment. */
export interface Snapshot {
  /** Undefined once it has been deleted. */
  readonly object: KubernetesObject | undefined;
  /** What a query found; empty also where reading it is not permitted. */
  readonly related: (key: string) => readonly JsonMap[];
}

export type Verdict =
  /** It is what it should be. */
  | { readonly state: "done"; readonly message: string }
  /** Not yet; the problems seen so far, for the user to act on. */
  | { readonly state: "waiting"; readonly message: string; readonly problems: readonly string[] }
  /** It will not become so by waiting. */
  | { readonly state: "failed"; readonly problems: readonly string[] };

/** When an object of a kind is ready. Both methods are pure. */
export interface AwaitRule {
  queries(object: KubernetesObject): readonly Query[];
  evaluate(snapshot: Snapshot): Verdict;
}

export function done(message: string): Verdict {
  return { state: "done", message };
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
