import { parseArgs } from "node:util";

import { ToolError } from "../errors";
import { readStackSettings } from "../stack-file";
import { openProject, say, STACK, type CommandContext, type Project } from "./context";
import { driftOf, type Drift, type DriftedField, type Preview } from "./drift-report";
import { capturePulumi } from "./pulumi";

/** Exit code of the CLI where changes were found that nobody expected. */
const CHANGES = 7;
const LONGEST_VALUE = 60;

/**
 * Compares the world with the state, and changes neither. Prints one line a drifted resource, with
 * the fields below it.
 * @returns 0 without a drift, 7 with one; another code of Pulumi's where it could not compare
 */
export async function drift(context: CommandContext): Promise<number> {
  const { values } = parseArgs({
    args: context.args.filter((arg) => arg !== "--"),
    options: {
      stack: { type: "string", short: "s", default: STACK },
      json: { type: "boolean", default: false },
    },
  });
  const settings = await readStackSettings(context.root, values.stack);
  const project = await openProject(context, settings, [], values.stack);
  const compared = await compareWithWorld(project);
  if (compared.failure !== undefined) {
    say(compared.failure.error.message);
    return compared.failure.exitCode;
  }
  const { resources } = compared.drift;
  for (const warning of compared.drift.warnings) say(`warning: ${warning}`);
  process.stdout.write(values.json ? json(compared.drift) : `${render(compared.drift)}\n`);
  if (resources.length === 0) return 0;
  say(`\n  ${remedy(compared, values.stack)}     makes it again what the program declares`);
  return CHANGES;
}

/** The update of Pulumi's own, where it can do it. */
function remedy({ contested }: { contested: boolean }, stack: string): string {
  if (!contested) return `pulumi up --refresh -s ${stack}`;
  return `npm run recover${stack === STACK ? "" : ` -- --stack ${stack}`}`;
}

interface Failure {
  readonly exitCode: number;
  readonly error: ToolError;
}

export type Comparison =
  | {
      readonly drift: Drift;
      /** Somebody else owns drifted fields now: an update has to take them back by force. */
      readonly contested: boolean;
      readonly failure?: undefined;
    }
  | { readonly drift?: undefined; readonly failure: Failure };

/** For the CLI: fields that another field manager took over are taken back. */
export const TAKE_BACK = { PULUMI_K8S_ENABLE_PATCH_FORCE: "true" };

/** What such a field makes the stand-in and the official Kubernetes plugin say. */
const CONTESTED = /another field manager owns|field conflict|failed with \d+ conflict/i;

/** A preview that refreshes first: the real CLI's, read from its JSON. */
export async function compareWithWorld(project: Project): Promise<Comparison> {
  const compared = await compare(project, {});
  if (!CONTESTED.test(compared.failure?.error.message ?? "")) return compared;
  // The first such field ends a preview: what else has drifted is seen only where force is permitted.
  const forced = await compare(project, TAKE_BACK);
  return forced.failure === undefined ? { ...forced, contested: true } : forced;
}

async function compare(project: Project, env: Record<string, string>): Promise<Comparison> {
  const flags = ["--refresh", "--json", "--expect-no-changes"];
  const args = ["preview", "--stack", project.stack, ...flags];
  const result = await capturePulumi(project, args, { env });
  const preview = parsed(result.stdout);
  if (preview !== undefined && [0, CHANGES].includes(result.exitCode)) {
    return { drift: driftOf(preview), contested: false };
  }
  return { failure: { exitCode: result.exitCode, error: cannotCompare(project, preview, result) } };
}

function parsed(text: string): Preview | undefined {
  try {
    return JSON.parse(text) as Preview;
  } catch {
    return undefined;
  }
}

function cannotCompare(
  { stack }: Project,
  preview: Preview | undefined,
  { stdout, stderr }: { stdout: string; stderr: string },
): ToolError {
  const told = (preview?.diagnostics ?? [])
    .filter(({ severity }) => severity === "error")
    .map(({ message = "" }) => message.replace(/^error: /, "").trim());
  const reasons = told.filter((line) => !/^(preview|refresh) failed$/.test(line));
  const said = `${stdout}\n${stderr}`.split("\n").find((line) => line.startsWith("error: "));
  const [first = said?.replace("error: ", "") ?? "it gave no reason", ...more] = reasons;
  return new ToolError({
    what: `Pulumi could not compare the stack ${stack} with the world`,
    why: [first, ...more].join("\n       "),
    fix: "npm run recover",
  });
}

const json = (found: Drift): string => `${JSON.stringify(found, undefined, 2)}\n`;

export function render({ resources, unapplied }: Drift): string {
  const lines = resources.flatMap(({ type, name, what, fields }) => [
    `${type} ${name}: ${what}`,
    ...fields.map(
      (field) => `  ${field.path}: ${side(field, "declared")} -> ${side(field, "found")}`,
    ),
  ]);
  const waiting =
    unapplied === 0
      ? []
      : [`${String(unapplied)} of the program's changes wait for pulumi up: they are no drift.`];
  return [...(resources.length === 0 ? ["No drift."] : lines), ...waiting].join("\n");
}

function side(field: DriftedField, which: "declared" | "found"): string {
  const text = field[which] ?? "nothing";
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}
