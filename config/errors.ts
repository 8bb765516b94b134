import { RunError } from "@pulumi/pulumi/errors";

/** One thing that is wrong with a stack's configuration, and what mends it. */
export interface Problem {
  /** Full key path, such as `drydock:apps.nginx.replicas`. */
  readonly key: string;
  /** The value as JSON; absent where there is none, or where it is a secret. */
  readonly value?: string;
  /** What must hold, as the rest of a sentence that begins with the key. */
  readonly rule: string;
  /** What to do about it, as an imperative. */
  readonly fix: string;
}

/**
 * The configuration of a stack cannot be used. Lists every problem at once. The Pulumi CLI shows the
 * message of a RunError as it stands, without a stack trace.
 */
export class ConfigError extends RunError {
  constructor(readonly problems: readonly Problem[]) {
    super(message(problems));
    this.name = "ConfigError";
  }
}

function message(problems: readonly Problem[]): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const entries = problems.map(({ key, value, rule, fix }) => {
    const heading = value === undefined ? key : `${key} = ${value}`;
    return `  ${heading}\n    rule: ${rule}\n    fix:  ${fix}`;
  });
  return [`The stack's configuration has ${count}:`, ...entries].join("\n");
}
