export type { Cpu, Memory } from "../../config/quantity";

/** A time with its unit: `"30s"`, `"5m"`. */
export type Duration = `${number}${keyof typeof secondsPerUnit}`;

const secondsPerUnit = { s: 1, m: 60, h: 3600 } as const;

/**
 * @returns whole seconds, as Kubernetes counts
 * @throws RangeError for a fraction of a second, or what is no time: `"1.5s"`, `"-1s"`
 */
export function seconds(duration: Duration): number {
  const unit = duration.slice(-1) as keyof typeof secondsPerUnit;
  const value = Number(duration.slice(0, -1)) * secondsPerUnit[unit];
  if (Number.isInteger(value) && value >= 0) return value;
  throw new RangeError(`${duration} is no time in whole seconds.`);
}
