import { some, type Truth } from "./logic";

/** A value that is known only after the update, or that a state file keeps secret. */
export const UNKNOWN: unique symbol = Symbol("unknown");

/** A resource's properties as plain data; secrets are in the clear, so no message may hold a value. */
export type Data = null | boolean | number | string | typeof UNKNOWN | readonly Data[] | DataMap;

export interface DataMap {
  readonly [key: string]: Data;
}

/** What a rule finds wrong. Neither text may hold the value of a property. */
export interface Finding {
  readonly urn: string;
  /** Path of the property, such as `spec.template.spec.hostPID`. */
  readonly path: string;
  /** What must be, said of the property. */
  readonly problem: string;
}

/** Where the fields of one resource report to. */
export interface Origin {
  readonly urn: string;
  /** Paths that were read and are not known yet. */
  readonly undecided: Set<string>;
}

type Key = string | number;

/**
 * A place in a resource's properties, there or not. Reading an unknown one never throws: it counts neither
 * as right nor as wrong, and its path is noted as undecided.
 */
export class Field {
  constructor(
    readonly origin: Origin,
    readonly path: string,
    private readonly data: Data | undefined,
    /** Whether something above it is unknown, and with that whether it is there. */
    private readonly isBelowUnknown = false,
  ) {}

  at(...keys: readonly Key[]): Field {
    return keys.reduce<Field>((field, key) => field.child(key), this);
  }

  /** Known value; undefined where there is none, or where it is unknown. */
  get value(): Exclude<Data, symbol | null> | undefined {
    if (this.data === UNKNOWN) {
      this.origin.undecided.add(this.path);
      return undefined;
    }
    return this.data ?? undefined;
  }

  get isUnknown(): boolean {
    return this.value === undefined && this.data === UNKNOWN;
  }

  /** Whether it is unknown, without noting so: for rules that can decide all the same. */
  get isPending(): boolean {
    return this.data === UNKNOWN;
  }

  /** Whether it is there and known, without noting where it is not. */
  get isPlain(): boolean {
    return !this.isAbsent && !this.isPending;
  }

  /** Not there. An unknown one counts as there: only its value is not known. */
  get isAbsent(): boolean {
    return this.data === undefined || this.data === null;
  }

  get text(): string | undefined {
    const { value } = this;
    return typeof value === "string" ? value : undefined;
  }

  get number(): number | undefined {
    const { value } = this;
    return typeof value === "number" ? value : undefined;
  }

  /** Elements of a list; none where it is something else. */
  items(): Field[] {
    const { value } = this;
    return Array.isArray(value) ? value.map((_, index) => this.at(index)) : [];
  }

  /** Whether an element of a list passes; undefined where the list is unknown. */
  some(test: (item: Field) => Truth): Truth {
    return this.isUnknown ? undefined : some(this.items(), test);
  }

  /** Fields of a map by key; none where it is something else. */
  entries(): [string, Field][] {
    const { value } = this;
    return isMap(value) ? Object.keys(value).map((key) => [key, this.at(key)]) : [];
  }

  /** Texts of a list; undefined where the list or an element is unknown. */
  texts(): string[] | undefined {
    if (this.isUnknown) return undefined;
    const items = this.items();
    if (items.some((item) => item.isUnknown)) return undefined;
    return items.flatMap(({ text }) => (text === undefined ? [] : [text]));
  }

  /** Texts of a map; undefined where the map or a value is unknown. */
  textMap(): Readonly<Record<string, string>> | undefined {
    if (this.isUnknown) return undefined;
    const entries = this.entries();
    if (entries.some(([, field]) => field.isUnknown)) return undefined;
    return Object.fromEntries(entries.map(([key, { text }]) => [key, text ?? ""]));
  }

  /** @returns a finding where the value is known and not accepted; absence is undefined */
  must(accept: (value: Exclude<Data, symbol | null> | undefined) => boolean, problem: string) {
    return this.isUnknown || accept(this.value) ? [] : [this.finding(problem)];
  }

  mustBe(wanted: string | number | boolean): Finding[] {
    return this.must((value) => value === wanted, `must be ${String(wanted)}`);
  }

  mustNotBe(unwanted: string | number | boolean): Finding[] {
    return this.must((value) => value !== unwanted, `must not be ${String(unwanted)}`);
  }

  /** One that is unknown is set: only its value is not known. */
  mustBeSet(): Finding[] {
    if (this.isPending && !this.isBelowUnknown) return [];
    return this.must((value) => value !== undefined && value !== "", "must be set");
  }

  finding(problem: string): Finding {
    return { urn: this.origin.urn, path: this.path, problem };
  }

  private child(key: Key): Field {
    const { data } = this;
    if (data === UNKNOWN) return new Field(this.origin, this.path, UNKNOWN, true);
    if (Array.isArray(data)) {
      const list: readonly Data[] = data;
      return new Field(this.origin, `${this.path}[${key}]`, list[Number(key)]);
    }
    const own = isMap(data) && Object.hasOwn(data, key) ? data[key] : undefined;
    return new Field(this.origin, joined(this.path, key), own);
  }
}

export function isMap(data: Data | undefined): data is DataMap {
  return typeof data === "object" && data !== null && !Array.isArray(data);
}

function joined(path: string, key: Key): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (!/^[\w-]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}
