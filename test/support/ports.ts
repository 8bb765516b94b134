import { readFileSync, rmSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort } from "../../infra/local/runtime/ports";
import { isAlive } from "../../toolchain/alive";

const FOLDER = join(tmpdir(), "drydock-test-ports");

/** A port of 127.0.0.1 that nothing listens on, for this process alone. */
export const privatePort = (): Promise<number> =>
  choosePrivately(
    () => freePort(),
    (port) => [port],
  );

/**
 * Chooses ports until none is another test process's. A port that is chosen is free until what it is for listens
 * there, and test files that run at once choose from the same range.
 * @param portsOf the ports of a choice
 */
export async function choosePrivately<T>(
  choose: () => Promise<T>,
  portsOf: (choice: T) => readonly number[],
): Promise<T> {
  mkdirSync(FOLDER, { recursive: true });
  for (;;) {
    const choice = await choose();
    if (portsOf(choice).every((port) => reserve(port))) return choice;
  }
}

/** For as long as this process lives. @returns whether nobody else has it */
function reserve(port: number): boolean {
  const file = join(FOLDER, String(port));
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
    process.once("exit", () => rmSync(file, { force: true }));
    return true;
  } catch {
    // Of a process that was killed it is freed, for the next choice.
    if (!isAlive(ownerOf(file))) rmSync(file, { force: true });
    return false;
  }
}

function ownerOf(file: string): number {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return process.pid;
  }
}
