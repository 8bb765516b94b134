import { PluginError } from "../plugin/errors";
import { getPath, listAt, textAt, type Json } from "./objects";

/** No answer came from the API server: refused, unknown host, timeout, broken TLS. */
export class UnreachableError extends PluginError {
  constructor(
    readonly server: string,
    readonly code: string,
    detail: string,
  ) {
    super(`the Kubernetes API server ${server} cannot be reached: ${detail}`);
    this.name = "UnreachableError";
  }
}

export interface Cause {
  readonly field: string;
  readonly message: string;
  readonly reason: string;
}

/** A refusal by the API server, with everything it said about it. */
export class ApiError extends PluginError {
  constructor(
    readonly status: number,
    /** Machine-readable reason, such as `AlreadyExists`. */
    readonly reason: string,
    /** The server's own sentence. */
    readonly serverMessage: string,
    readonly causes: readonly Cause[],
    /** Resource the answer is about, such as `namespaces`. */
    readonly resource: string,
    readonly retryAfterSeconds: number | undefined,
    request: string,
  ) {
    super(explain(status, serverMessage, causes, request));
    this.name = "ApiError";
  }

  /** Reads a `Status` object; a body that is none (a proxy's page, say) becomes the message. */
  static from(
    status: number,
    body: Json | string,
    request: string,
    retryAfterHeader?: string,
  ): ApiError {
    const headerSeconds = Number(retryAfterHeader ?? Number.NaN);
    const asked = Number.isFinite(headerSeconds) ? headerSeconds : undefined;
    if (typeof body === "string") {
      return new ApiError(status, "", body.trim().slice(0, 500), [], "", asked, request);
    }
    const causes = listAt(body, "details", "causes").map((cause) => ({
      field: textAt(cause, "field"),
      message: textAt(cause, "message"),
      reason: textAt(cause, "reason"),
    }));
    const retryAfter = getPath(body, "details", "retryAfterSeconds");
    return new ApiError(
      status,
      textAt(body, "reason"),
      textAt(body, "message"),
      causes,
      textAt(body, "details", "kind"),
      typeof retryAfter === "number" ? retryAfter : asked,
      request,
    );
  }
}

export function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 404;
}

export function isAlreadyExists(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 409 && error.reason === "AlreadyExists";
}

export function isInvalid(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 422;
}

/** The namespace of the request is the thing that was not found. */
export function isMissingNamespace(error: unknown): error is ApiError {
  return (
    isNotFound(error) &&
    (error.resource === "namespaces" || /^namespaces? "/.test(error.serverMessage))
  );
}

const IMMUTABLE =
  /immutable|may not (?:be )?change|can ?not (?:be )?(?:change|modif|updat)|can ?not be unset|updates to .+ (?:are|is) forbidden|may not be (?:changed|modified|updated)/i;

/** The fields an update may not change, as the server's answer names them; none for other errors. */
export function immutableFields(error: unknown): string[] {
  if (!(error instanceof ApiError) || (error.status !== 422 && error.status !== 403)) {
    return [];
  }
  return error.causes
    .filter((cause) => IMMUTABLE.test(cause.message))
    .map((cause) => cause.field.replace(/^\./, ""))
    .filter((field) => field !== "");
}

const CONFLICT_HINT =
  "Three ways out: leave the field out of the program; leave it to its manager with the resource " +
  'option "ignoreChanges"; or take it over with the annotation "pulumi.com/patchForce": "true" on ' +
  "the object.";

/** One line for each field another manager owns; undefined for other errors. */
export function fieldConflict(error: unknown, object: string): PluginError | undefined {
  if (!(error instanceof ApiError) || error.status !== 409) {
    return undefined;
  }
  const conflicts = error.causes.filter((cause) => cause.reason === "FieldManagerConflict");
  if (conflicts.length === 0) {
    return undefined;
  }
  const lines = conflicts.map((cause) => {
    const manager = /"([^"]+)"/.exec(cause.message)?.[1] ?? "another manager";
    return `  ${cause.field.replace(/^\./, "")}: managed by "${manager}"`;
  });
  return new PluginError(
    [`${object} has fields that another field manager owns:`, ...lines, CONFLICT_HINT].join("\n"),
    { cause: error },
  );
}

/** Giving a field up is refused since the object needs it and nobody else owns it. */
export function requiredFieldLeft(error: unknown, object: string): PluginError | undefined {
  const causes = isInvalid(error) ? error.causes : [];
  const fields = causes.filter(({ reason }) => reason === "FieldValueRequired");
  return fields.length === 0
    ? undefined
    : new PluginError(
        `${object} cannot be without ${fields.map(({ field }) => field).join(", ")}, which only ` +
          'this patch owns. Set the resource option "retainOnDelete", or let another manager ' +
          "apply the field before.",
        { cause: error },
      );
}

/** The managers named in a field conflict; empty for other errors. */
export function conflictingManagers(error: unknown): string[] {
  if (!(error instanceof ApiError) || error.status !== 409) {
    return [];
  }
  return error.causes
    .filter((cause) => cause.reason === "FieldManagerConflict")
    .map((cause) => /"([^"]+)"/.exec(cause.message)?.[1] ?? "");
}

function explain(
  status: number,
  message: string,
  causes: readonly Cause[],
  request: string,
): string {
  switch (status) {
    case 401:
      return `${request}: the API server does not accept the credentials of the kubeconfig (401). Renew them, or check "kubeconfig" and "context" of the provider.`;
    case 403:
      return `${request}: not permitted (403): ${message}`;
    case 422:
      return [`${request}: the object is not valid (422):`, ...invalid(message, causes)].join("\n");
    default:
      return `${request}: ${message === "" ? "the API server gave no reason" : message} (${status})`;
  }
}

function invalid(message: string, causes: readonly Cause[]): string[] {
  return causes.length === 0
    ? [`  ${message}`]
    : causes.map(({ field, message: text }) => `  ${field === "" ? "" : `${field}: `}${text}`);
}
