// The layout table: what each folder may import of the others. The lint rule below and
// test/program/layers.test.ts read it; a folder that is not listed may not be imported at all.
import path from "node:path";

/** Longest matching prefix wins; an entry allows itself and what it lists (prefixes too). */
export const layers = {
  "index.ts": ["config", "infra/cluster", "infra/platform", "apps"],
  config: [],
  "infra/cluster": [
    "config",
    "infra/identity",
    "infra/local",
    "infra/eks",
    "infra/existing",
    "infra/images",
  ],
  "infra/ask": [],
  "infra/identity": [],
  "infra/local": [
    "config",
    "infra/ask",
    "infra/cluster",
    "infra/identity",
    "infra/images",
    "infra/node-pool",
    "infra/platform/namespace",
    "policy/exceptions",
    "toolchain",
  ],
  "infra/node-pool": [],
  "infra/published-image": [],
  "infra/eks": [
    "config",
    "infra/cluster",
    "infra/identity",
    "infra/images",
    "infra/node-pool",
    "infra/published-image",
    "policy/exceptions",
  ],
  "infra/existing": [
    "config",
    "infra/ask",
    "infra/cluster",
    "infra/identity",
    "infra/images",
    "infra/published-image",
    "policy/exceptions",
    "toolchain",
  ],
  "infra/plugin": ["infra/local", "infra/eks", "infra/existing", "infra/images", "toolchain"],
  "infra/platform": ["config", "infra/cluster", "policy/exceptions"],
  "infra/images": ["toolchain"],
  apps: ["config", "infra/cluster", "infra/platform", "infra/images/recipe", "policy/exceptions"],
  bootstrap: ["config", "infra/eks"],
  policy: [],
  review: ["config", "toolchain/plugin/values"],
  // Runs the program, on a stand-in for the engine.
  "review/recording": ["index.ts", "infra/existing/detection", "toolchain/plugin/values"],
  toolchain: [],
  "toolchain/commands": ["toolchain", "infra/local", "infra/images", "apps/images"],
  scripts: ["config", "infra", "apps", "policy", "review", "toolchain"],
  test: [
    "index.ts",
    "bootstrap",
    "config",
    "infra",
    "apps",
    "policy",
    "review",
    "toolchain",
    "scripts",
  ],
  "vitest.config.mts": [],
};

const withoutExtension = (file) => file.replace(/\.[cm]?[jt]s$/, "");

const within = (file, prefix) =>
  withoutExtension(file) === withoutExtension(prefix) || file.startsWith(`${prefix}/`);

/** @param {string} file path relative to the root, with forward slashes */
export function layerOf(file) {
  const matches = Object.keys(layers).filter((prefix) => within(file, prefix));
  return matches.sort((a, b) => b.length - a.length)[0];
}

/**
 * @param {string} file importing file, relative to the root
 * @param {string} specifier as written in the import
 * @returns {string | undefined} why the import is not allowed
 */
export function forbidden(file, specifier) {
  const from = layerOf(file);
  if (from === undefined) return `${file} is in no layer of scripts/layers.mjs`;
  if (!specifier.startsWith(".")) return undefined;
  const target = withoutExtension(path.posix.join(path.posix.dirname(file), specifier));
  if (within(target, from)) return undefined;
  if (layers[from].some((prefix) => within(target, prefix))) return undefined;
  return `${from} may import ${layers[from].join(", ") || "no other folder"}, not ${target}`;
}

/** ESLint rule `layers/direction`. */
export const direction = {
  meta: { type: "problem", schema: [], messages: { forbidden: "{{reason}}" } },
  create(context) {
    const file = path.relative(context.cwd, context.filename).split(path.sep).join("/");
    const check = (node) => {
      if (typeof node?.value !== "string") return;
      const reason = forbidden(file, node.value);
      if (reason !== undefined) context.report({ node, messageId: "forbidden", data: { reason } });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.source),
    };
  },
};
