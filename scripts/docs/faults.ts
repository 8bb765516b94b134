import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What a test saw of one fault. */
export interface FaultRow {
  readonly fault: string;
  /** Lines that the user sees, as the test found them in the output. */
  readonly sees: readonly string[];
  /** What stays as it was meanwhile, and why. */
  readonly safe: string;
  /** The command that mends it. */
  readonly mends: string;
  /** How long that took in the run that made the page. */
  readonly seconds: number;
  readonly lost: string;
}

/** One test file's faults. */
export interface FaultSection {
  readonly name: SectionName;
  readonly rows: readonly FaultRow[];
}

const SECTIONS = {
  runs: "A run that was stopped",
  state: "State and drift",
  cluster: "The local cluster",
} as const;

export type SectionName = keyof typeof SECTIONS;
export const SECTION_NAMES = Object.keys(SECTIONS) as readonly SectionName[];

const root = join(__dirname, "..", "..");
export const PAGE = join(root, "docs", "faults.md");
/** Written by the tests, read by `npm run docs:faults`; not committed. */
export const resultsFile = (name: SectionName): string =>
  join(root, "coverage", `faults-${name}.json`);

const HEAD = `# What happens when

<!-- Made by \`npm run docs:faults\` from the results of the tests in test/integration/faults-*.test.ts. -->

**In doubt: \`npm run recover\`.** It finds out what is wrong, says what it does, step by step, and is safe to repeat; where
nothing is wrong it changes nothing. It never cancels a run that is alive. \`npm run drift\` only looks.

Each row is a test with the real CLI, the real plugins and a real API server. The words under "you see" are what the test
found in the output. After each: no pending operation, no duplicate object, no process left 30 s later, and
\`pulumi preview --refresh --expect-no-changes\` is clean. The times are those of the run that made this page.
`;

export function renderPage(sections: readonly FaultSection[]): string {
  return [HEAD, ...sections.map(renderSection)].join("\n");
}

function renderSection({ name, rows }: FaultSection): string {
  const table = [
    "| what happened | what mends it | took | lost |",
    "| --- | --- | --- | --- |",
    ...rows.map(renderLine),
  ];
  return [`## ${SECTIONS[name]}`, "", ...table, "", ...rows.map(renderDetails)].join("\n");
}

/** Its line of the table. */
export function renderLine({ fault, mends, seconds, lost }: FaultRow): string {
  const took = `${String(Math.max(1, Math.round(seconds)))} s`;
  return `| [${fault}](#${anchor(fault)}) | ${command(mends)} | ${took} | ${lost} |`;
}

/** What stands below the table. */
export function renderDetails({ fault, sees, safe, mends }: FaultRow): string {
  const block = ["You see:", "", "```text", ...sees, "```", ""];
  return [`### ${fault}`, "", ...block, safe, "", `Mends it: ${command(mends)}.`, ""].join("\n");
}

const command = (mends: string): string =>
  /^(npm|pulumi|unset) /.test(mends) ? `\`${mends}\`` : mends;

/** As GitHub makes it of a heading. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number} _-]/gu, "")
    .replaceAll(" ", "-");

/** A page without its times: what must not change from run to run. Layout is the formatter's. */
export const timeless = (page: string): string =>
  page
    .replace(/\| \d+ s +\|/g, "| s |")
    .replace(/ *\| */g, "|")
    .replace(/-{3,}/g, "---")
    .trim();

/** A section of the committed page. */
export function committedSection(name: SectionName): string {
  const page = readFileSync(PAGE, "utf8");
  const [, section = ""] = page.split(`## ${SECTIONS[name]}\n`);
  return `## ${SECTIONS[name]}\n${section.split(/^## /m)[0] ?? ""}`;
}
