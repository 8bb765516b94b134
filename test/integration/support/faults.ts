import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { expect } from "vitest";

import {
  committedSection,
  renderDetails,
  renderLine,
  resultsFile,
  timeless,
  type FaultRow,
  type SectionName,
} from "../../../scripts/docs/faults";
import type { Finished } from "./project";
import { report } from "./report";

/** Collects what the tests of one file saw, for docs/faults.md. */
export class Faults {
  private readonly rows: FaultRow[] = [];

  constructor(private readonly name: SectionName) {}

  begin(fault: string): Fault {
    return new Fault(fault, (row) => this.rows.push(row));
  }

  /**
   * Writes the results down, and holds the committed page against them.
   * @param skipped how many faults of the page this machine does not permit
   */
  expectPage(skipped = 0): void {
    const section = { name: this.name, rows: this.rows };
    mkdirSync(dirname(resultsFile(this.name)), { recursive: true });
    writeFileSync(resultsFile(this.name), JSON.stringify(section, undefined, 2));
    const page = timeless(committedSection(this.name));
    const hint = "docs/faults.md says something else than the tests saw: npm run docs:faults";
    for (const row of this.rows) {
      expect(page, hint).toContain(timeless(renderLine(row)));
      expect(page, hint).toContain(timeless(renderDetails(row)));
    }
    expect(page.match(/^### /gm), hint).toHaveLength(this.rows.length + skipped);
  }
}

/** One fault on its way: what is asserted here is what the page says. */
export class Fault {
  private readonly seen: string[] = [];
  private mended: { command: string; seconds: number } | undefined;

  constructor(
    private readonly fault: string,
    private readonly add: (row: FaultRow) => void,
  ) {}

  /** The user sees this line, or a part of one. */
  sees({ all }: Pick<Finished, "all">, ...texts: string[]): void {
    for (const text of texts) {
      expect(all).toContain(text);
      this.seen.push(text);
    }
  }

  /** The command that mends it, timed. */
  async mends(command: string, run: () => Promise<Finished>, ...says: string[]): Promise<Finished> {
    const start = performance.now();
    const finished = await run();
    const seconds = (performance.now() - start) / 1000;
    expect(finished.code, finished.all).toBe(0);
    for (const text of says) expect(finished.all).toContain(text);
    expect(finished.all).not.toMatch(/canary/);
    this.mended = { command, seconds };
    report(`${this.fault}: ${command} took ${seconds.toFixed(1)} s`);
    return finished;
  }

  /** After all assertions: the row of the page. */
  ends(safe: string, lost = "nothing"): void {
    if (this.mended === undefined) throw new Error(`${this.fault}: nothing has mended it`);
    const { command, seconds } = this.mended;
    const { fault, seen: sees } = this;
    this.add({ fault, sees, safe, mends: command, seconds, lost });
  }
}
