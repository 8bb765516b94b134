import type { Fit } from "./release";

interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

function parse(text: string): Version | undefined {
  const match = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (match === null) return undefined;
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3] ?? 0) };
}

/** Negative, zero or positive, as for `sort`; a text that is no version sorts first. */
export function compareVersions(left: string, right: string): number {
  const none = { major: -1, minor: 0, patch: 0 };
  const [a, b] = [parse(left) ?? none, parse(right) ?? none];
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch;
}

/**
 * Whether a version found on PATH does in place of the pinned one.
 * - `atLeast`: the same major, not older. For tools that keep their command line within a major.
 * - `sameMinor`: the same major and minor, any patch. Kubernetes components must not differ in minor;
 *   kwok and CoreDNS change flags between minors.
 * - `withinOneMinor`: kubectl's supported skew to the API server.
 */
export function fits(found: string, pinned: string, fit: Fit): boolean {
  const [a, b] = [parse(found), parse(pinned)];
  if (a?.major !== b?.major || a === undefined || b === undefined) return false;
  switch (fit) {
    case "atLeast":
      return compareVersions(found, pinned) >= 0;
    case "sameMinor":
      return a.minor === b.minor;
    case "withinOneMinor":
      return Math.abs(a.minor - b.minor) <= 1;
    case "never":
      return false;
  }
}
