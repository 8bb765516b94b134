import { type RuleId } from "../../../policy/rules";
import type { Inputs } from "./pack";
import { changed, type Fixture, type Path, withValue } from "./world";

/** One change that must make a rule fire. */
export interface Break {
  /** Fixture that is changed. */
  readonly on: string;
  readonly change: (fixture: Fixture) => Fixture;
  /** For the name of the test. */
  readonly text: string;
  /** Fixture that the finding is told of; default: the changed one. */
  readonly told?: string;
  /** Paths of the change lie in a pod template, and it holds for every kind that has one. */
  readonly inTemplate?: Path;
  readonly value?: unknown;
  /** Configuration of the rule. */
  readonly config?: Inputs;
  /** Fixtures that are added, and dropped by name. */
  readonly plus?: readonly Fixture[];
  readonly minus?: readonly string[];
}

/** What a rule must say of changes to the conforming stack. */
export interface RuleCase {
  readonly breaks: readonly Break[];
  /** Fixture and path: where this is unknown, the rule says nothing of it and tells that it waits. */
  readonly unknown: readonly (readonly [string, Path])[];
  /** Fixture and path: an unknown value there is decided, because it is one. */
  readonly enough?: readonly (readonly [string, Path])[];
}

export type Judging = Exclude<
  RuleId,
  "exception-valid" | "exception-used" | "exception-reported" | "inputs-known"
>;

type More = Pick<Break, "told" | "config" | "plus" | "minus">;

export function remove(on: string, path: Path, more: More = {}): Break {
  return set(on, path, undefined, more);
}

export function set(on: string, path: Path, value: unknown, more: More = {}): Break {
  const change = (one: Fixture) => ({ ...one, inputs: withValue(one.inputs, path, value) });
  const text = value === undefined ? `without ${path}` : `with another ${path}`;
  return { on, change, text: `${on} ${text}`, ...more };
}

/** Another type, option or source of a fixture. */
export function alter(on: string, text: string, part: Partial<Fixture>, more: More = {}): Break {
  return { on, change: (one) => ({ ...one, ...part }), text: `${on} ${text}`, ...more };
}

/** The finding is of `told`, and the cause is that others are missing. */
export function missing(told: string, ...minus: string[]): Break {
  return { on: told, change: (one) => one, text: `${told} without ${minus.join(", ")}`, minus };
}

/** A change of the pods' template, by its path in the template; undefined removes. */
export function inPod(path: Path, value?: unknown, more: More = {}): Break {
  const one = set("web", `spec template ${path}`, value, more);
  return { ...one, inTemplate: path, value };
}

export function applied(fixtures: readonly Fixture[], one: Break): Fixture[] {
  const kept = fixtures.filter(({ name }) => !(one.minus ?? []).includes(name));
  return [...changed(kept, one.on, one.change), ...(one.plus ?? [])];
}
