/** What went wrong with an image, for its user: shown without a stack. */
export interface ImageProblem {
  readonly what: string;
  /** File, package or reference concerned. */
  readonly where?: string;
  readonly why: string;
  readonly fix: string;
}

/** The one error of this folder that is meant for users. */
export class ImageError extends Error {
  constructor(
    readonly problem: ImageProblem,
    options?: ErrorOptions,
  ) {
    const { what, where, why, fix } = problem;
    const lines = [what, ...(where === undefined ? [] : [`where: ${where}`]), `why: ${why}`];
    super([...lines, `fix: ${fix}`].join("\n  "), options);
    this.name = "ImageError";
  }
}

/** The last line that says something, of a tool's output or of an error. */
export function lastLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.findLast((line) => line !== "") ?? "no reason given";
}
