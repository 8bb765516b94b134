import { setTimeout as sleep } from "node:timers/promises";

import { expect } from "vitest";

/** For what never comes. What does come takes a fraction of it, also on a slow or busy machine. */
const LONGEST_MS = 90_000;
const PAUSE_MS = { least: 20, most: 1_000 };

type Absent = undefined | false;

/**
 * Looks again and again until there is something. An error ends it at once.
 * @returns what was seen: anything but undefined and false
 * @throws Error where there is nothing in time
 */
export async function eventually<T>(
  look: () => T | Absent | Promise<T | Absent>,
  withinMs = LONGEST_MS,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const begun = Date.now();
    const seen = await look();
    if (seen !== undefined && seen !== false) {
      // A test that only waits for it asserts that it comes.
      expect(seen).toBeDefined();
      return seen;
    }
    if (Date.now() > end) {
      throw new Error(`not within ${String(withinMs / 1000)} s: ${look.toString()}`);
    }
    await pauseAfter(begun);
  }
}

/** Until the assertions hold; otherwise fails in time, with what the last of them said. */
export async function eventuallyHolds(
  assertions: () => void | Promise<void>,
  withinMs = LONGEST_MS,
): Promise<void> {
  const end = Date.now() + withinMs;
  for (;;) {
    const begun = Date.now();
    try {
      await assertions();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await pauseAfter(begun);
  }
}

/** Twice as long as the look took: a command that is run again and again leaves the machine to what is looked at. */
function pauseAfter(begun: number): Promise<void> {
  const pause = 2 * (Date.now() - begun);
  return sleep(Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, pause)));
}
