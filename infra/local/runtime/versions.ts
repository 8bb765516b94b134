/** `[1, 36, 3]` of "1.36.3". */
function parts(version: string): [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return [major, minor, patch];
}

/**
 * Why a running control plane cannot be turned into another version: upstream supports neither a step
 * back in minor nor a step over one, since each minor rewrites stored objects that the one before it
 * can still read. Patches may change both ways.
 *
 * @param from the full version that runs
 * @param to the full version that is wanted
 * @returns undefined where it can
 */
export function refusedChange(from: string, to: string): string | undefined {
  const [oldMajor, oldMinor] = parts(from);
  const [newMajor, newMinor] = parts(to);
  const running = `the cluster runs Kubernetes ${from}`;
  const wanted = `${String(newMajor)}.${String(newMinor)}`;
  if (newMajor < oldMajor || (newMajor === oldMajor && newMinor < oldMinor)) {
    const kept = `${String(oldMajor)}.${String(oldMinor)}`;
    return (
      `${running}, and ${to} is older: an older control plane cannot read what a newer one has stored. ` +
      `Keep "${kept}"; or, for a new cluster with "${wanted}", run npm run down first (its data goes with it), then npm start`
    );
  }
  if (newMajor > oldMajor || newMinor > oldMinor + 1) {
    const next = `${String(oldMajor)}.${String(oldMinor + 1)}`;
    return (
      `${running}, and ${to} skips a minor: it is upgraded one minor at a time. ` +
      `Set "${next}" and run npm start, then go on to "${wanted}"`
    );
  }
  return undefined;
}
