/** A failure the user can act on: the message says what, where, why and the fix, without a stack. */
export class LanguageHostError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "LanguageHostError";
  }
}

/** The words of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
