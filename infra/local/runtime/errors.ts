/** A failure of the local cluster that its user can act on: what failed, why, and what mends it. */
export class LocalClusterError extends Error {
  constructor(
    readonly what: string,
    readonly details: { readonly why?: string; readonly fix?: string } = {},
  ) {
    const lines = [
      what,
      ...(details.why === undefined ? [] : [`  why: ${details.why}`]),
      ...(details.fix === undefined ? [] : [`  fix: ${details.fix}`]),
    ];
    super(lines.join("\n"));
    this.name = "LocalClusterError";
  }
}

/** An error in one line, as the reason of another one. */
export function shortly(error: unknown): string {
  if (error instanceof LocalClusterError) {
    const { what, details } = error;
    return details.why === undefined ? what : `${what}: ${details.why}`;
  }
  return error instanceof Error ? error.message : String(error);
}
