/** undefined: a value that decides it is not known yet. */
export type Truth = boolean | undefined;

/** Whether one of the items passes. */
export function some<T>(items: Iterable<T>, test: (item: T) => Truth): Truth {
  let truth: Truth = false;
  for (const item of items) {
    const passed = test(item);
    if (passed === true) return true;
    if (passed === undefined) truth = undefined;
  }
  return truth;
}

/** Whether all items pass. */
export function every<T>(items: Iterable<T>, test: (item: T) => Truth): Truth {
  return not(some(items, (item) => not(test(item))));
}

export function not(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

/** Whether both are the same; undefined where one is not known. */
export function same(a: string | undefined, b: string | undefined): Truth {
  return a === undefined || b === undefined ? undefined : a === b;
}

export function both(a: Truth, b: Truth): Truth {
  return every([a, b], (truth) => truth);
}

/** A test of a property's value. */
export function oneOf(texts: readonly string[]) {
  return (value: unknown): boolean => typeof value === "string" && texts.includes(value);
}

/** A test that absence passes too. */
export function noneOf(texts: readonly string[]) {
  return (value: unknown): boolean => typeof value !== "string" || !texts.includes(value);
}

/** A test of a property's value. */
export function like(pattern: RegExp) {
  return (value: unknown): boolean => typeof value === "string" && pattern.test(value);
}
