// Runs every test. The files of tests that failed run a second time, alone: a test that starts real clusters
// can meet what the machine does, and what fails both times is a flaw for sure. What passed only then is
// printed with its first failure, since it is a flaw too. Last line: "N passed, N failed".
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** So many files do not fail by chance. */
const CHANCE_FILES = 3;
const REPORTER = fileURLToPath(new URL("tests-report.mjs", import.meta.url));

/**
 * @typedef {import("./tests-report.mjs").FileReport} FileReport
 * @typedef {import("./tests-report.mjs").RunReport} RunReport
 * @typedef {{ code: number, report?: RunReport | undefined }} Run
 */

/**
 * The files to run a second time; none where nothing failed, where no test is to blame, too many are, or one
 * was never ended.
 * @param {Run} run
 * @returns {string[]}
 */
export function filesToRepeat({ code, report = { files: [], errors: [] } }) {
  const failed = report.files.filter(({ state }) => state === "failed");
  const known = report.files.every(({ tests, state }) =>
    [state, ...tests.map((test) => test.state)].every((it) => ENDED.includes(it)),
  );
  const chance = report.errors.length === 0 && known && failed.length <= CHANCE_FILES;
  return code !== 0 && chance ? failed.map(({ name }) => name) : [];
}

const ENDED = ["passed", "failed", "skipped"];

/**
 * What to print, the count last, and the exit code.
 * @param {Run} first
 * @param {Run} [second] of {@link filesToRepeat}
 * @returns {{ lines: string[], code: number }}
 */
export function verdict(first, second) {
  const before = first.report?.files ?? [];
  const again = new Map(second?.report?.files.map((file) => [file.name, file]));
  const files = before.map((file) => (file.state === "failed" && again.get(file.name)) || file);
  const code = second?.code ?? first.code;
  const count = (/** @type {string} */ state) =>
    files.flatMap(({ tests }) => tests).filter((test) => test.state === state).length;
  // A file that does not load, or a check that fails, has no test of its own to count.
  const failed = code === 0 ? count("failed") : Math.max(count("failed"), 1);
  const unsteady = before.filter(
    (file, index) => file.state === "failed" && files[index]?.state === "passed",
  );
  return {
    lines: [
      ...unsteady.flatMap(describe),
      `${String(count("passed"))} passed, ${String(failed)} failed`,
    ],
    code,
  };
}

/** @param {FileReport} file */
function describe({ name, error, tests }) {
  const failed = tests.filter(({ state }) => state === "failed");
  const reasons = failed.map((test) => `${test.name}: ${test.error ?? ""}`);
  return [
    `passed the second time only, to be mended: ${relative(process.cwd(), name)}`,
    ...(reasons.length > 0 ? reasons : [error ?? ""]).map((it) => `  ${firstLine(it)}`),
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
    const reporters = ["--reporter=default", `--reporter=${REPORTER}`];
    const { status } = spawnSync("npm", ["test", "--", ...reporters, ...files], {
      stdio: "inherit",
      env: { ...process.env, DRYDOCK_TESTS_REPORT: file },
    });
    return { code: status ?? 1, report: readReport(file) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} file
 * @returns {RunReport | undefined}
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
