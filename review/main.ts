// `npm run render`: writes expected/, or with --check tells where it is stale.
import { parseArgs } from "node:util";

import { ConfigError } from "../config/errors";
import { differences, shortened } from "./diff";
import { readRendering, strayRenderings, writeRendering } from "./files";
import { RecordingError } from "./recording/recorder";
import { root } from "./recording/stack-file";
import type { Rendering } from "./render";
import { renderStack, stackNames } from "./stack";

const USAGE = `Usage: npm run render [-- --check] [-- --stack NAME]
  --check       writes nothing: exit code 0 where expected/ is as the program says, 1 where it is not
  --stack NAME  that stack only; may be given more than once`;

class UsageError extends Error {}

interface Choice {
  readonly check: boolean;
  /** Undefined: all. */
  readonly stacks: readonly string[] | undefined;
}

async function run(args: readonly string[]): Promise<number> {
  const began = performance.now();
  const { check, stacks } = chosen(args);
  process.chdir(root); // Where the program looks for the files of its images.
  // None is written before all are rendered: a program that fails leaves expected/ as it is.
  const renderings: [string, Rendering][] = [];
  for (const stack of stacks ?? stackNames()) renderings.push([stack, await renderStack(stack)]);
  const strays = stacks === undefined ? strayRenderings(stackNames()) : [];
  const all = [...renderings, ...strays.map((stray): [string, Rendering] => [stray, new Map()])];
  const changed = all.map(([stack, rendering]) => update(stack, rendering, check));

  const files = renderings.reduce((sum, [, { size }]) => sum + size, 0);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  say(`Rendered ${renderings.map(([stack]) => stack).join(", ")}: ${files} files in ${seconds} s.`);
  if (!check || !changed.includes(true)) return 0;
  say("expected/ is stale; npm run render brings it up to date.");
  return 1;
}

/** @returns whether there was something to change */
function update(stack: string, rendering: Rendering, check: boolean): boolean {
  const lines = differences(readRendering(stack), rendering);
  if (!check) writeRendering(stack, rendering);
  if (lines.length > 0) say(`expected/${stack}:`, ...shortened(lines).map((line) => `  ${line}`));
  return lines.length > 0;
}

function chosen(args: readonly string[]): Choice {
  const { values } = parsed(args);
  const stacks = values.stack === undefined ? undefined : [...new Set(values.stack)];
  const known = stackNames();
  const unknown = (stacks ?? []).filter((stack) => !known.includes(stack));
  if (unknown.length > 0) {
    throw new UsageError(
      `There is no stack ${unknown.join(", ")}. Those with a stack file are: ${known.join(", ")}.`,
    );
  }
  return { check: values.check, stacks };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        check: { type: "boolean", default: false },
        stack: { type: "string", multiple: true },
      },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`);
  }
}

/** The renderings are files: what is said is for people. */
function say(...lines: readonly string[]): void {
  for (const line of lines) console.error(line);
}

/** What a user can mend needs no stack trace. */
function explained(error: unknown): number {
  const isPlain = [ConfigError, RecordingError, UsageError].some((kind) => error instanceof kind);
  say(isPlain ? (error as Error).message : String((error as Error).stack ?? error));
  return error instanceof UsageError ? 2 : 1;
}

// An Output in a text fails, instead of writing a warning into a manifest.
process.env.PULUMI_ERROR_OUTPUT_STRING = "true";
const args = process.argv.slice(2);
if (args.includes("--help") || args.includes("-h")) {
  say(USAGE);
} else {
  void run(args)
    .catch(explained)
    .then((code) => (process.exitCode = code));
}
