const MAX_LENGTH = 600;
const MAX_PROBLEMS = 8;
const MAX_NAMES = 3;

/** Problems as lines a person reads: each cut to a bearable length, and no more than a few. */
export function bounded(problems: readonly string[]): string[] {
  const distinct = [...new Set(problems)];
  const shown = distinct.slice(0, MAX_PROBLEMS).map((problem) => cut(problem));
  const rest = distinct.length - shown.length;
  return rest === 0 ? shown : [...shown, `and ${count(rest, "more problem")}`];
}

/** Objects of one kind in one phrase: `Pod a`, `2 Pods (a, b)`, `9 Pods (a, b, c and 6 more)`. */
export function several(kind: string, names: readonly string[]): string {
  if (names.length === 1) {
    return `${kind} ${names.join("")}`;
  }
  const rest = names.length - MAX_NAMES;
  const shown = names.slice(0, MAX_NAMES).join(", ");
  return `${count(names.length, kind)} (${shown}${rest > 0 ? ` and ${String(rest)} more` : ""})`;
}

export function count(number: number, noun: string): string {
  return `${String(number)} ${noun}${number === 1 ? "" : "s"}`;
}

function cut(text: string): string {
  const whole = text.trim();
  return whole.length <= MAX_LENGTH ? whole : `${whole.slice(0, MAX_LENGTH - 1).trimEnd()}…`;
}
