import { ANNOTATION_PREFIX, TAG_PREFIX } from "./exceptions";
import type { Field } from "./field";
import type { Resource } from "./resource";

/** An exception as it stands in a resource's inputs. */
export interface DeclaredException {
  readonly field: Field;
  readonly rule: string;
  readonly until: string;
  readonly reason: string;
  /** What is wrong with it; undefined where it is in force. */
  readonly problem: string | undefined;
}

export interface ExceptionTerms {
  /** YYYY-MM-DD, by UTC. */
  readonly today: string;
  /** Most days that an exception may be ahead. */
  readonly days: number;
  /** Whether there is such a rule, and it allows exceptions. */
  readonly isRule: (id: string) => boolean;
}

/** The exceptions that a resource declares; an unknown one counts as not declared. */
export function declaredExceptions(resource: Resource, terms: ExceptionTerms): DeclaredException[] {
  const places: [string, Field][] = [
    [ANNOTATION_PREFIX, resource.at("metadata", "annotations")],
    [TAG_PREFIX, resource.at("tags")],
  ];
  return places.flatMap(([prefix, place]) =>
    place
      .entries()
      .filter(([key, field]) => key.startsWith(prefix) && !field.isUnknown)
      .map(([key, field]) => declared(key.slice(prefix.length), field, terms)),
  );
}

const FORM = /^(\d{4}-\d\d-\d\d)\s+(\S.*)$/s;

function declared(rule: string, field: Field, terms: ExceptionTerms): DeclaredException {
  const [, until = "", reason = ""] = FORM.exec(field.text ?? "") ?? [];
  return { field, rule, until, reason, problem: problemOf(rule, until, terms) };
}

function problemOf(rule: string, until: string, terms: ExceptionTerms): string | undefined {
  if (!terms.isRule(rule)) return "must be the id of a rule that allows exceptions";
  if (until === "")
    return 'must be a date and a reason, such as "2027-01-31 waits for the new image"';
  if (!isDate(until)) return "must begin with a date of the calendar";
  if (until < terms.today) return `ended on ${until}`;
  if (until > later(terms.today, terms.days)) return `must end within ${terms.days} days`;
  return undefined;
}

function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function later(today: string, days: number): string {
  return new Date(Date.parse(today) + days * 86_400_000).toISOString().slice(0, 10);
}
