import { ToolError } from "./errors";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

export function parseShell(name: string): Shell {
  const shell = SHELLS.find((known) => known === name);
  if (shell !== undefined) return shell;
  throw new ToolError({ what: `no such shell: ${name}`, fix: `--shell ${SHELLS.join(" | ")}` });
}

export interface ExportOptions {
  readonly pathPrefix?: readonly string[];
  readonly unset?: readonly string[];
  readonly shell?: Shell;
}

/**
 * Lines that a shell evaluates. Folders are put in front of the PATH that the shell has by then, so that
 * what npm added to its own PATH does not leak into the user's.
 */
export function exportLines(
  variables: Readonly<Record<string, string>>,
  { pathPrefix = [], unset = [], shell = "bash" }: ExportOptions = {},
): string {
  const quote = shell === "fish" ? quoteFish : quotePosix;
  const assign = (name: string, value: string) =>
    shell === "fish" ? `set -gx ${name} ${value}` : `export ${name}=${value}`;
  const lines = Object.entries(variables).map(([name, value]) => assign(name, quote(value)));
  lines.push(...unset.map((name) => `${shell === "fish" ? "set -e" : "unset"} ${name}`));
  if (pathPrefix.length > 0) {
    const folders = pathPrefix.map(quote);
    const path =
      shell === "fish" ? [...folders, "$PATH"].join(" ") : `${folders.join(":")}:"$PATH"`;
    lines.push(assign("PATH", path));
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** Within single quotes only the quote itself is special. */
const quotePosix = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;

/** In fish the backslash is special too. */
const quoteFish = (value: string): string =>
  `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
