import { readFileSync, writeFileSync } from "node:fs";

import { format, resolveConfig } from "prettier";

import { PAGE, renderPage, resultsFile, SECTION_NAMES, type FaultSection } from "./docs/faults";

/** Writes docs/faults.md from the results of the last run of the fault tests. */
async function main(): Promise<void> {
  const sections = SECTION_NAMES.map((name): FaultSection => {
    try {
      return JSON.parse(readFileSync(resultsFile(name), "utf8")) as FaultSection;
    } catch {
      throw new Error(`no results of ${name}: run npx vitest run test/integration/faults- first`);
    }
  });
  const options = { ...(await resolveConfig(PAGE)), parser: "markdown" };
  writeFileSync(PAGE, await format(renderPage(sections), options));
}

void main();
