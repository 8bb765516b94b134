import * as path from "node:path";

/** The root of the checkout. */
export const root = path.resolve(__dirname, "../..");

export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: "s" | "MB" | "x" | "";
  /** What the value may be at most; absent where it is only told. */
  readonly limit?: number;
}

/**
 * The median of each trial's results. The trials take turns, so that a busy moment of the machine falls
 * on all of them and leaves their ratio as it is. The first round warms the caches and does not count.
 */
export async function interleaved<const T extends readonly (() => Promise<number>)[]>(
  rounds: number,
  trials: T,
): Promise<{ [K in keyof T]: number }> {
  const results: number[][] = trials.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, trial] of trials.entries()) {
      const result = await trial();
      if (round > 0) results[index]?.push(result);
    }
  }
  return results.map(median) as { [K in keyof T]: number };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [below = Number.NaN, above = Number.NaN] = [
    sorted[sorted.length % 2 === 0 ? middle - 1 : middle],
    sorted[middle],
  ];
  return (below + above) / 2;
}

/** Plain columns: name, value, limit, and a mark where the value is over it. */
export function table(measurements: readonly Measurement[]): string {
  const rows = measurements.map(({ name, value, unit, limit }) => [
    name,
    `${value.toFixed(unit === "MB" ? 0 : 2)} ${unit}`.trim(),
    limit === undefined ? "" : `at most ${limit} ${unit}`.trim(),
    limit !== undefined && !(value <= limit) ? "OVER" : "",
  ]);
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Whether no measurement is over its limit; one that is not a number is. */
export function withinLimits(measurements: readonly Measurement[]): boolean {
  return measurements.every(({ value, limit }) => limit === undefined || value <= limit);
}
