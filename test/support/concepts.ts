import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");

/** A row of docs/concepts.md. */
export interface Concept {
  readonly name: string;
  /** Paths from the root. */
  readonly declaredIn: readonly string[];
  /** For bash. */
  readonly command: string;
  /** What the command prints has it. */
  readonly shown: string;
  readonly proof: { readonly file: string; readonly title: string };
}

/** The rows whose concept a command shows. */
export function concepts(): Concept[] {
  const lines = readFileSync(join(ROOT, "docs/concepts.md"), "utf8").split("\n");
  return lines
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .filter((cells) => cells.length === 7 && !/^(?:concept|-+)$/.test(cells[1] ?? ""))
    .map(([, name = "", declared = "", command = "", shown = "", proof = ""]) => {
      const [, file = "", title = ""] = /^`([^`]+)`: (.+)$/.exec(proof) ?? [];
      return {
        name,
        declaredIn: [...declared.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => path),
        command: code(command),
        shown: code(shown),
        proof: { file: file.includes("/") ? file : `test/integration/${file}`, title },
      };
    });
}

const code = (cell: string) => /^`(.+)`$/.exec(cell)?.[1] ?? "";
