import { availableParallelism } from "node:os";

import { defineConfig } from "vitest/config";

/** For what hangs: what a test promises about time it says itself, and a busy machine takes its time. */
const LONGEST_MS = 3 * 60_000;

const shared = {
  pool: "forks",
  environment: "node",
  expect: { requireAssertions: true, poll: { timeout: LONGEST_MS / 2 } },
  // An Output in a template literal throws here, instead of writing a warning text into a manifest.
  env: { PULUMI_ERROR_OUTPUT_STRING: "true" },
} as const;

export default defineConfig({
  test: {
    globalSetup: "test/support/tools.setup.ts",
    projects: [
      {
        test: {
          ...shared,
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/integration/**"],
          testTimeout: LONGEST_MS,
          hookTimeout: LONGEST_MS,
          // Vitest would leave one processor out. Many tests wait for a server or a process.
          maxWorkers: Math.max(2, availableParallelism() - 1),
        },
      },
      {
        test: {
          ...shared,
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          // Real clusters share the machine: one file, one test, one cluster at a time.
          fileParallelism: false,
          sequence: { concurrent: false, groupOrder: 1 },
          testTimeout: 10 * 60_000,
          hookTimeout: 10 * 60_000,
        },
      },
    ],
  },
});
