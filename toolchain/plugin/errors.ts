import type { PropertyMap } from "./values";

/** A failure the user can act on. The message reaches the user as it is, without a stack. */
export class PluginError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PluginError";
  }
}

/**
 * The object exists but did not become what it should (a failed await, say): the operation fails
 * and the engine still keeps the object in state, with `reasons` as its errors.
 */
export class PartialFailure extends PluginError {
  constructor(
    readonly id: string,
    readonly outputs: PropertyMap,
    readonly reasons: readonly string[],
    readonly inputs?: PropertyMap,
  ) {
    super(reasons.join("\n"));
    this.name = "PartialFailure";
  }
}
