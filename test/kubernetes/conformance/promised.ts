/** What the official provider promises, and what this one does. */
export interface Promised {
  /** Unique among all promises. */
  readonly id: string;
  /** One sentence, as the official provider documents it. */
  readonly promise: string;
  /** Page or section that documents it. */
  readonly source: string;
  readonly status: "yes" | "differs" | "no";
  readonly note?: string;
  /** Full title of the test that proves it; a table's test by its title as written (`%s`). */
  readonly test: string;
}
