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

/** Real clusters share the machine: one file, one test, one cluster at a time. */
const onClusters = {
  ...shared,
  fileParallelism: false,
  testTimeout: 10 * 60_000,
  hookTimeout: 10 * 60_000,
} as const;

/** Need the tools that, on a new machine, are built while the other tests run. */
const later = ["addons", "node-autoscaling", "upgrade"].map(
  (name) => `test/integration/${name}.test.ts`,
);

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
          ...onClusters,
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          exclude: later,
          sequence: { concurrent: false, groupOrder: 1 },
        },
      },
      {
        test: {
          ...onClusters,
          name: "integration-later",
          include: later,
          setupFiles: "test/support/later-tools.ts",
          sequence: { concurrent: false, groupOrder: 2 },
        },
      },
    ],
  },
});
