/**
 * Bundles a program with all that it imports into one file.
 *
 * `source` is relative to the project; `executable`: the file is run by name. Default false.
 */
export function bundle(program: {
  readonly source: string;
  readonly outfile: string;
  readonly executable?: boolean;
}): Promise<void>;
