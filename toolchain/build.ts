import { execFile } from "node:child_process";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { guardCache, installEntry, makeStage, readEntry, type Cache } from "./cache";
import { ToolError } from "./errors";
import { runGo, type GoContext } from "./go-command";
import type { Environment } from "./paths";
import { RECIPES } from "./tools";
import { type RecipeName, type Release } from "./release";
import { missingPackages, installCommand } from "./system";

export interface BuildContext extends GoContext {
  readonly cache: Cache;
  /** Folder that holds the go.mod folders. */
  readonly goDirectory: string;
  readonly onStatus: (text: string) => void;
}

/** The commands of one `go build` are linked from the same compiled packages, so a group compiles them once. */
export async function buildReleases(
  recipeName: RecipeName,
  releases: readonly Release[],
  context: BuildContext,
): Promise<void> {
  const recipe = RECIPES[recipeName];
  const stage = await makeStage(context.cache);
  try {
    await compile(recipeName, releases, stage, context);
    for (const release of releases) {
      const own = join(stage, `entry-${release.name}`);
      await guardCache(context.cache, async () => {
        await mkdir(own);
        for (const tool of release.tools) {
          await rename(join(stage, commandName(tool.package)), join(own, tool.name));
        }
      });
      const from = `go module toolchain/go/${recipe.module}`;
      await installEntry(context.cache, release, own, { source: "build", from });
    }
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** The releases that no other run has built in the meantime. */
export async function stillMissing(
  cache: Cache,
  releases: readonly Release[],
): Promise<readonly Release[]> {
  const entries = await Promise.all(releases.map((release) => readEntry(cache, release)));
  return releases.filter((_, index) => entries[index] === undefined);
}

/**
 * Fetches the modules that a recipe's commands are made of.
 * @returns the number of their packages
 */
export async function fetchModules(
  recipeName: RecipeName,
  releases: readonly Release[],
  context: BuildContext,
): Promise<number> {
  let fetched = 0;
  context.onStatus("fetching modules");
  const args = ["list", "-deps", ...tagsOf(recipeName), ...packagesOf(releases)];
  const list = await go(recipeName, args, context, (line) => {
    if (line.startsWith("go: downloading ")) {
      fetched += 1;
      context.onStatus(`fetching modules: ${fetched}, ${line.slice("go: downloading ".length)}`);
    }
  });
  return list.trimEnd().split("\n").length;
}

async function compile(
  recipeName: RecipeName,
  releases: readonly Release[],
  output: string,
  context: BuildContext,
): Promise<void> {
  const total = await fetchModules(recipeName, releases, context);
  let compiled = 0;
  context.onStatus(`compiling ${total} packages`);
  const settings = Object.entries(RECIPES[recipeName].variables);
  const linker = ["-s", "-w", ...settings.map(([name, value]) => `-X ${name}=${value}`)].join(" ");
  const flags = ["-v", "-trimpath", "-buildvcs=false", ...tagsOf(recipeName)];
  // What the linker would leave out (-w) is not made either: an eighth of the compiler's time.
  const compiler = ["-gcflags=all=-dwarf=false", "-ldflags", linker];
  const args = ["build", ...flags, ...compiler, "-o", `${output}/`, ...packagesOf(releases)];
  await go(recipeName, args, context, (line) => {
    compiled += 1;
    // Packages compiled by an earlier run are not printed: the count then ends below the total.
    context.onStatus(`compiling ${compiled} of ${total} packages, ${line.trim()}`);
  });
}

const packagesOf = (releases: readonly Release[]): string[] =>
  releases.flatMap(({ tools }) => tools.map((tool) => tool.package));

function tagsOf(recipeName: RecipeName): string[] {
  const { tags } = RECIPES[recipeName];
  return tags === undefined ? [] : ["-tags", tags];
}

function go(
  recipeName: RecipeName,
  args: readonly string[],
  context: BuildContext,
  onLine: (line: string) => void,
): Promise<string> {
  const { module, title, cgo = false } = RECIPES[recipeName];
  return runGo(args, { ...context, title, cgo, folder: join(context.goDirectory, module), onLine });
}

/** The name `go build -o FOLDER/` gives a command: the last part of its path, leaving out a major version. */
export function commandName(goPackage: string): string {
  const parts = goPackage.split("/");
  const last = parts.at(-1) ?? goPackage;
  return /^v\d+$/.test(last) ? (parts.at(-2) ?? last) : last;
}

const OLDEST_GO = [1, 21] as const;

/** @returns Go's version; rejects with the way to install it where it is missing or too old */
export async function requireGo(env: Environment): Promise<string> {
  const fix =
    "install Go 1.21 or later: https://go.dev/doc/install, or `sudo apt-get install -y golang-go` where that is 1.21 or later";
  const text = await promisify(execFile)("go", ["env", "GOVERSION"], {
    env: { ...env, GOTOOLCHAIN: "local" },
  })
    .then(({ stdout }) => stdout.trim())
    .catch(() => {
      throw new ToolError({ what: "Go is needed to build the tools, and is not on PATH", fix });
    });
  const [major = 0, minor = 0] = text
    .replace(/^go/, "")
    .split(".")
    .map((part) => parseInt(part, 10));
  if (major < OLDEST_GO[0] || (major === OLDEST_GO[0] && minor < OLDEST_GO[1])) {
    throw new ToolError({ what: `Go is needed to build the tools, and ${text} is too old`, fix });
  }
  return text.replace(/^go/, "");
}

/** Rejects, before the first build starts, when something is missing that one of the builds needs. */
export async function checkBuildRequirements(
  releases: readonly Release[],
  env: Environment,
): Promise<void> {
  await requireGo(env);
  if (!releases.some(({ recipe }) => RECIPES[recipe].cgo === true)) return;
  const missing = await missingPackages("build", env);
  if (missing.length === 0) return;
  throw new ToolError({
    what: `building runc needs ${missing.map(({ name }) => name).join(", ")}`,
    fix: await installCommand(missing, env),
  });
}
