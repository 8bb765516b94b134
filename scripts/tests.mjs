// Runs every test. The files of tests that failed run a second time, alone: a test that starts real clusters
// can meet what the machine does, and what fails both times is a flaw for sure. What passed only then is
// printed with its first failure, since it is a flaw too. Last line: "N passed, N failed".
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";

/** So many files do not fail by chance. */
const CHANCE_FILES = 3;

/**
 * @typedef {{ status: string, fullName: string, failureMessages?: string[] }} TestResult
 * @typedef {{ name: string, status: string, message?: string, assertionResults: TestResult[] }} FileResult
 * @typedef {{ testResults: FileResult[] }} Report of vitest's reporter "json"
 * @typedef {{ code: number, report?: Report | undefined }} Run
 */

/**
 * The files to run a second time; none where nothing failed, where no test is to blame, or too many are.
 * @param {Run} run
 * @returns {string[]}
 */
export function filesToRepeat({ code, report }) {
  const failed = (report?.testResults ?? []).filter((file) => file.status === "failed");
  return code === 0 || failed.length > CHANCE_FILES ? [] : failed.map((file) => file.name);
}

/**
 * What to print, the count last, and the exit code.
 * @param {Run} first
 * @param {Run} [second] of {@link filesToRepeat}
 * @returns {{ lines: string[], code: number }}
 */
export function verdict(first, second) {
  const repeated = new Map(second?.report?.testResults.map((file) => [file.name, file]));
  const before = first.report?.testResults ?? [];
  const files = before.map((file) => repeated.get(file.name) ?? file);
  const code = second?.code ?? first.code;
  const count = (/** @type {string} */ status) =>
    files.flatMap((file) => file.assertionResults).filter((test) => test.status === status).length;
  // A file that does not load, or a check that fails, has no test of its own to count.
  const failed = code === 0 ? count("failed") : Math.max(count("failed"), 1);
  const unsteady = before.filter((file) => repeated.get(file.name)?.status === "passed");
  return {
    lines: [
      ...unsteady.flatMap(describe),
      `${String(count("passed"))} passed, ${String(failed)} failed`,
    ],
    code,
  };
}

/** @param {FileResult} file */
function describe(file) {
  const tests = file.assertionResults.filter((test) => test.status === "failed");
  const reasons = tests.map((test) => `${test.fullName}: ${test.failureMessages?.[0] ?? ""}`);
  return [
    `passed the second time only, to be mended: ${relative(process.cwd(), file.name)}`,
    ...(reasons.length > 0 ? reasons : [file.message ?? ""]).map((it) => `  ${firstLine(it)}`),
  ];
}

/** @param {string} text */
function firstLine(text) {
  return text.split("\n", 1)[0] ?? "";
}

/**
 * @param {readonly string[]} files all, where there are none
 * @returns {Run}
 */
function runTests(files) {
  const folder = mkdtempSync(join(tmpdir(), "drydock-report-"));
  const file = join(folder, "report.json");
  try {
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const { status } = spawnSync("npm", ["test", "--", ...reporters, ...files], {
      stdio: "inherit",
    });
    return { code: status ?? 1, report: readReport(file) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} file
 * @returns {Report | undefined}
 */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const first = runTests([]);
  const files = filesToRepeat(first);
  const second = files.length > 0 ? runTests(files) : undefined;
  const { lines, code } = verdict(first, second);
  console.log(lines.join("\n"));
  process.exitCode = code;
}
