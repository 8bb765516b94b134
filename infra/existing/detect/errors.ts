export interface ClusterProblem {
  /** One clause without a full stop. */
  readonly what: string;
  /** File, context and server, as far as they are known. */
  readonly where: string;
  readonly why: string;
  readonly fix: string;
}

/** Why a cluster that is said to exist cannot be used. Shown without a stack. */
export class ExistingClusterError extends Error {
  constructor({ what, where, why, fix }: ClusterProblem, options?: ErrorOptions) {
    super([what, `  where: ${where}`, `  why: ${why}`, `  fix: ${fix}`].join("\n"), options);
    this.name = "ExistingClusterError";
  }
}
