import type { Asked, Inputs } from "./pack";

/** A resource of a fixture; the others it takes values from are told by name. */
export interface Fixture {
  readonly type: string;
  readonly name: string;
  readonly inputs: Inputs;
  readonly protect?: boolean;
  readonly ignoreChanges?: readonly string[];
  readonly provider?: Inputs;
  /** Names of resources by the property whose value comes from them. */
  readonly from?: Readonly<Record<string, readonly string[]>>;
}

export function urnOf({ type, name }: Pick<Fixture, "type" | "name">): string {
  return `urn:pulumi:test::drydock::${type}::${name}`;
}

/** As the engine knows the fixtures. */
export function askedOf(fixtures: readonly Fixture[]): Asked[] {
  const urns = new Map(fixtures.map((one) => [one.name, urnOf(one)]));
  return fixtures.map(({ from = {}, ...one }) => {
    const sources = Object.entries(from).map(
      ([property, names]) => [property, names.flatMap((name) => urns.get(name) ?? [])] as const,
    );
    return {
      ...one,
      urn: urnOf(one),
      dependencies: sources.flatMap(([, found]) => found),
      propertyDependencies: Object.fromEntries(sources),
    };
  });
}

/** A copy of the fixtures with one changed. */
export function changed(
  fixtures: readonly Fixture[],
  name: string,
  change: (fixture: Fixture) => Fixture,
): Fixture[] {
  if (!fixtures.some((one) => one.name === name)) throw new Error(`no fixture is named ${name}`);
  return fixtures.map((one) => (one.name === name ? change(one) : one));
}

/** Keys with a space between them: `spec template spec hostPID`. */
export type Path = string;

/**
 * A copy of the inputs with another value at a path; undefined removes what is there.
 * @throws Error where there is nothing to remove
 */
export function withValue(inputs: Inputs, path: Path, value: unknown): Inputs {
  const copy = structuredClone(inputs) as Record<string, unknown>;
  const keys = path.split(" ");
  const last = keys.pop() ?? "";
  let place = copy;
  for (const [index, key] of keys.entries()) {
    const isList = /^\d+$/.test(keys[index + 1] ?? last);
    place[key] ??= isList ? [] : {};
    place = place[key] as Record<string, unknown>;
  }
  if (value !== undefined) place[last] = value;
  else if (!(last in place)) throw new Error(`there is no ${path} to remove`);
  else if (Array.isArray(place)) place.splice(Number(last), 1);
  else Reflect.deleteProperty(place, last);
  return copy;
}

/** Paths of all texts in the inputs. */
export function textPaths(value: unknown, path: readonly string[] = []): Path[] {
  if (typeof value === "string") return [path.join(" ")];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => textPaths(child, [...path, key]));
}
