/** A failure of the local cluster that its user can act on: what failed, why, and what mends it. */
export class LocalClusterError extends Error {
  constructor(what: string, details: { readonly why?: string; readonly fix?: string } = {}) {
    const lines = [
      what,
      ...(details.why === undefined ? [] : [`  why: ${details.why}`]),
      ...(details.fix === undefined ? [] : [`  fix: ${details.fix}`]),
    ];
    super(lines.join("\n"));
    this.name = "LocalClusterError";
  }
}
