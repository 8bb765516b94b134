import { isDeepStrictEqual } from "node:util";

import { parsePath, related, type Path } from "../kubernetes/paths";

/** What `pulumi preview --json` prints, as far as it is read here. */
export interface Preview {
  readonly steps?: readonly Step[];
  readonly diagnostics?: readonly Diagnostic[];
}

interface Step {
  readonly op: string;
  readonly urn: string;
  readonly oldState?: State;
  readonly newState?: State;
  readonly detailedDiff?: Readonly<Record<string, { readonly inputDiff?: boolean }>> | null;
}

interface State {
  readonly type?: string;
  readonly id?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly initErrors?: readonly string[];
}

export interface Diagnostic {
  readonly urn?: string;
  readonly message?: string;
  readonly severity?: string;
}

export interface Drift {
  readonly resources: readonly DriftedResource[];
  /** Changes of the program that no `up` has brought yet: no drift. */
  readonly unapplied: number;
  /** What the comparison could not see, and the providers' other warnings. */
  readonly warnings: readonly string[];
}

export interface DriftedResource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly what: "gone" | "changed" | "not ready" | "not running";
  /** Empty unless changed. */
  readonly fields: readonly DriftedField[];
}

export interface DriftedField {
  readonly path: string;
  /** JSON, or {@link MASK}; undefined where it is declared on no side. */
  readonly declared?: string;
  readonly found?: string;
}

/** In the place of a secret. The CLI writes the same. */
const MASK = "[secret]";
const UNCHANGED = new Set(["same", "refresh", "read"]);

/**
 * What differs between the state and the world, from a preview that refreshed first. A resource has
 * drifted when the refresh found it other than the state says and `up` would change it back; what the
 * program leaves alone (`ignoreChanges`, fields it does not declare) is no drift.
 */
export function driftOf({ steps = [], diagnostics = [] }: Preview): Drift {
  const refreshed = new Map(
    steps.filter(({ op }) => op === "refresh").map((step) => [step.urn, step] as const),
  );
  // A replacement is several steps of one resource.
  const changes = new Map(
    steps
      .filter((step) => !UNCHANGED.has(step.op) && !isOurSwitch(step))
      .map((step) => [step.urn, step] as const),
  );
  const judged = [...changes.values()].map((change) => drifted(change, refreshed.get(change.urn)));
  const resources = judged.filter((resource) => resource !== undefined);
  const warnings = diagnostics
    .filter(({ severity }) => severity === "warning")
    .map(({ message = "" }) => message.replace(/^warning: /, "").trim());
  return {
    resources,
    unapplied: judged.length - resources.length,
    // The refresh and the preview after it say the same.
    warnings: [...new Set(warnings)],
  };
}

/** The provider's setting that a preview by force puts in for itself. */
function isOurSwitch({ urn, detailedDiff }: Step): boolean {
  const paths = Object.keys(detailedDiff ?? {});
  return urn.includes("::pulumi:providers:") && paths.join() === "enablePatchForce";
}

/** @param refresh what was read first; its `newState` is not yet known when the CLI writes it down */
function drifted(change: Step, refresh: Step | undefined): DriftedResource | undefined {
  if (refresh?.oldState === undefined) return undefined;
  const [type = "", name = ""] = change.urn.split("::").slice(-2);
  const found = (what: DriftedResource["what"], fields: readonly DriftedField[] = []) => ({
    ...{ urn: change.urn, type: type.split("$").at(-1) ?? type, name, what, fields },
  });
  if (change.op === "create") return found("gone");
  if (change.op === "delete") return undefined;
  const fields = driftedFields(change, refresh.oldState);
  if (fields.length > 0) return found("changed", fields);
  if ((change.oldState?.initErrors ?? []).length > 0) return found("not ready");
  return seesMore(change) ? found("not running") : undefined;
}

/** The provider names a difference in what nobody declares: the thing itself is not as it should be. */
function seesMore({ oldState, newState, detailedDiff }: Step): boolean {
  return Object.keys(detailedDiff ?? {}).some((path) =>
    [oldState, newState].every((state) => valueAt(state?.inputs, parsePath(path)) === undefined),
  );
}

/** @param known the state before the refresh; the change starts from what the refresh found */
function driftedFields(
  { oldState: live, newState: wanted, detailedDiff }: Step,
  known: State,
): readonly DriftedField[] {
  const touched = !isDeepStrictEqual(known.outputs, live?.outputs);
  const moved = differences(known.inputs, live?.inputs);
  return Object.keys(detailedDiff ?? {}).flatMap((path): DriftedField[] => {
    const parts = parsePath(path);
    const declared = valueAt(wanted?.inputs, parts);
    const found = valueAt(live?.inputs, parts);
    const secret = declared === MASK || found === MASK;
    // Behind a mask nothing can be compared: the object was touched, and `up` would change the field.
    const here = secret ? touched : moved.some((other) => related(other, parts));
    return here ? [{ path, ...shown(declared, found, secret) }] : [];
  });
}

function shown(declared: unknown, found: unknown, secret: boolean): Omit<DriftedField, "path"> {
  const text = (value: unknown) => (secret ? MASK : JSON.stringify(withoutSecrets(value)));
  return {
    ...(declared === undefined ? {} : { declared: text(declared) }),
    ...(found === undefined ? {} : { found: text(found) }),
  };
}

/** Paths at which two values differ; lists are compared as wholes. */
function differences(before: unknown, after: unknown, path: Path = []): Path[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isRecord(before) || !isRecord(after)) return [path];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => differences(before[key], after[key], [...path, key]));
}

/** The value at a path, or the mask that hides it. */
function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, part) => {
    if (at === MASK) return MASK;
    return typeof at === "object" && at !== null
      ? (at as Record<string | number, unknown>)[part]
      : undefined;
  }, value);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A map that was drifted away whole may hold a secret among other values: nothing of it is shown. */
const withoutSecrets = (value: unknown): unknown =>
  JSON.stringify(value).includes(MASK) ? MASK : value;
