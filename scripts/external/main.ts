// `npm run check:external`: scanners of others over expected/prod.
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";

import { readRendering } from "../../review/files";
import { root } from "../../review/recording/stack-file";
import { acceptances, type Acceptance, ExternalError, type Finding, judge } from "./findings";
import { installScanners } from "./install";
import { PLANTED } from "./planted";
import { reportText } from "./report";
import { scanAll, type Scan } from "./scan-all";

const STACK = "prod";

async function main(): Promise<number> {
  const began = performance.now();
  const scanners = await installScanners(say);
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "drydock-external-"));
  let scan: Scan;
  try {
    scan = await scanAll(scanners, readRendering(STACK), folder);
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
  const blind = blindScanners(scan.findings);
  const own = {
    coverage: scan.coverage,
    findings: scan.findings.filter((one) => !isPlanted(one)),
    lower: scan.lower.filter((one) => !isPlanted(one)),
  };
  const judgement = judge(own.findings, await declared());
  console.log(reportText(own, judgement));
  for (const scanner of blind) say(`${scanner} did not find what was planted: it proves nothing.`);
  say(`${((performance.now() - began) / 1000).toFixed(0)} s`);
  const isGood = [judgement.open, judgement.unused, blind].every(({ length }) => length === 0);
  return isGood ? 0 : 1;
}

const isPlanted = ({ resource }: Finding) => new RegExp(` ${PLANTED}(?:/|$)`).test(resource);

/** Checkov twice: it reads manifests and Terraform apart. */
function blindScanners(findings: readonly Finding[]): string[] {
  const seen = new Set(findings.filter(isPlanted).map(({ scanner }) => scanner));
  const all = ["checkov on Kubernetes", "checkov on AWS", "kube-score", "parliament"];
  return all.filter((scanner) => !seen.has(scanner));
}

/** The comments in the sources of what prod asks for. */
async function declared(): Promise<Acceptance[]> {
  const lists = await Promise.all(
    ["infra", "apps"].map((folder) =>
      fs.readdir(path.join(root, folder), { recursive: true, withFileTypes: true }),
    ),
  );
  const files = lists
    .flat()
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  const found = await Promise.all(
    files.map(async (file) =>
      acceptances(
        path.relative(root, file).split(path.sep).join("/"),
        await fs.readFile(file, "utf8"),
      ),
    ),
  );
  return found.flat();
}

function say(line: string): void {
  console.error(line);
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    const isPlain = error instanceof ExternalError;
    say(isPlain ? error.message : String((error as Error).stack ?? error));
    process.exitCode = 2;
  },
);
