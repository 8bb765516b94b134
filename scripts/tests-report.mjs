// A reporter of vitest that says in a file what `tests.mjs` judges by. Its own JSON leaves out errors that belong
// to no test, such as the end of a worker.
import { writeFileSync } from "node:fs";

/**
 * @typedef {{ name: string, state: string, error?: string | undefined }} TestReport
 * @typedef {{ name: string, state: string, error?: string | undefined, tests: TestReport[] }} FileReport
 * @typedef {{ files: FileReport[], errors: string[] }} RunReport `errors`: of no test and no file
 */

export default class {
  /**
   * @param {readonly import("vitest/node").TestModule[]} modules
   * @param {readonly import("vitest/node").SerializedError[]} errors
   */
  onTestRunEnd(modules, errors) {
    const file = process.env.DRYDOCK_TESTS_REPORT;
    if (file === undefined) return;
    const report = { files: modules.map(fileReport), errors: errors.map(({ message }) => message) };
    writeFileSync(file, JSON.stringify(report));
  }
}

/**
 * @param {import("vitest/node").TestModule} module
 * @returns {FileReport}
 */
function fileReport(module) {
  const tests = [...module.children.allTests()].map((test) => {
    const { state, errors } = test.result();
    return { name: test.fullName, state, error: errors?.[0]?.message };
  });
  return {
    name: module.moduleId,
    state: module.state(),
    error: module.errors()[0]?.message,
    tests,
  };
}
