import { defineConfig } from "vitest/config";

const shared = {
  pool: "forks",
  environment: "node",
  expect: { requireAssertions: true },
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
          testTimeout: 20_000,
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
