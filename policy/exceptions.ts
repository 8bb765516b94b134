// What programs import of this folder: how a resource says that a rule does not hold for it, until when and
// why. The pack reads it from the resource's inputs, so that it goes with the resource wherever it is looked at.
import type { RuleId } from "./rules";

/** Begins the key of a Kubernetes annotation; the rule's id follows. */
export const ANNOTATION_PREFIX = "policy.drydock.dev/except.";
/** Begins the key of an AWS tag; the rule's id follows. */
export const TAG_PREFIX = "drydock:except:";

export interface Exception {
  /** Last day on which it holds, by UTC: YYYY-MM-DD. */
  readonly until: `${number}-${number}-${number}`;
  /** For whoever reviews the resource; it is shown at each preview. */
  readonly reason: string;
}

export type Exceptions = Readonly<Partial<Record<RuleId, Exception>>>;

/** Annotations of a Kubernetes object, to be spread into `metadata.annotations`. */
export function exceptions(declared: Exceptions): Record<string, string> {
  return keyed(ANNOTATION_PREFIX, declared);
}

/**
 * Tags of an AWS resource, to be spread into `tags`.
 * @throws Error for a reason that AWS does not take as a tag: over 245 characters, or others than letters,
 *   digits, spaces and + - = . _ : / @
 */
export function exceptionTags(declared: Exceptions): Record<string, string> {
  for (const [id, { reason }] of Object.entries(declared)) {
    if (/^[\p{L}\p{N}\s+\-=._:/@]{1,245}$/u.test(reason)) continue;
    throw new Error(
      `The reason of the exception from ${id} is no value of an AWS tag: it has ${reason.length} characters, ` +
        "at most 245 letters, digits, spaces and + - = . _ : / @ are possible. Shorten or reword it.",
    );
  }
  return keyed(TAG_PREFIX, declared);
}

function keyed(prefix: string, declared: Exceptions): Record<string, string> {
  const entries = Object.entries(declared).map(([id, { until, reason }]) => [
    `${prefix}${id}`,
    `${until} ${reason}`,
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}
