export interface ToolErrorDetails {
  /** What went wrong, one clause without a full stop: `etcd 3.6.8: wrong checksum`. */
  readonly what: string;
  /** The file, folder, URL or command concerned. */
  readonly where?: string;
  readonly why?: string;
  /** A command or a setting that mends it. */
  readonly fix?: string;
}

/** An expected failure of finding, fetching or building a tool. Its message is all a user needs to see. */
export class ToolError extends Error {
  override readonly name = "ToolError";

  constructor(
    readonly details: ToolErrorDetails,
    options?: ErrorOptions,
  ) {
    const { what, where, why, fix } = details;
    const lines = [["at", where] as const, ["why", why] as const, ["fix", fix] as const];
    const shown = lines.flatMap(([label, text]) =>
      text === undefined ? [] : [`  ${label}: ${text}`],
    );
    super([what, ...shown].join("\n"), options);
  }
}

/** The `code` of a Node system error, for example `ENOSPC`; undefined for everything else. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === "string" ? code : errorCode(error.cause);
}

/** The file a system error is about, also when a library wrapped it. */
export function errorPath(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return (error as NodeJS.ErrnoException).path ?? errorPath(error.cause);
}

/** The shortest text that still names the cause: libraries often wrap it ("fetch failed"). */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message;
}
