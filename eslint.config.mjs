import pulumi from "@pulumi/eslint-plugin";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

import { direction } from "./scripts/layers.mjs";

export default defineConfig(
  globalIgnores(["dist/", "expected/", ".drydock/", "coverage/"]),
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: ["**/*.ts", "**/*.mts", "apps/**/*.mjs"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { "@pulumi": pulumi, layers: { rules: { direction } } },
    rules: {
      "layers/direction": "error",
      "@pulumi/no-output-in-template-literal": "error",
      "@pulumi/no-output-instance-in-template-literal": "error",
      eqeqeq: "error",
      "no-console": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
    },
  },
  {
    // A Pulumi component is registered by its constructor; nobody needs to hold it.
    files: ["index.ts", "bootstrap/**/*.ts", "infra/**/*.ts", "apps/**/*.ts", "test/**/*.ts"],
    rules: { "no-new": "off" },
  },
  {
    // The program: one reader of the configuration, no environment, no clock, no chance.
    files: [
      "index.ts",
      "config/**/*.ts",
      "infra/*.ts",
      "infra/eks/**/*.ts",
      "infra/platform/**/*.ts",
      "apps/**/*.ts",
    ],
    rules: {
      "no-restricted-globals": ["error", { name: "process", message: "Take it from config/." }],
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: "No clean preview would be possible." },
        { object: "Date", property: "now", message: "No clean preview would be possible." },
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector:
            "CallExpression[callee.property.name='apply'] NewExpression[callee.type='MemberExpression']",
          message: "A resource created inside apply() is missing from previews.",
        },
        {
          selector: "NewExpression[callee.object.name='pulumi'][callee.property.name='Config']",
          message: "Only index.ts makes a pulumi.Config, only config/load.ts reads it.",
        },
      ],
    },
  },
  {
    files: ["index.ts"],
    rules: { "no-restricted-syntax": "off" },
  },
  {
    // Commands print: data on stdout, words on stderr.
    files: ["toolchain/**/*.ts", "scripts/**/*.ts", "review/main.ts"],
    rules: { "no-console": "off" },
  },
);
