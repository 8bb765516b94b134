import { accessSync, constants, existsSync } from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";

import { LanguageHostError } from "./errors";
import type { PackageManager, Program } from "./options";
import { ancestors } from "./packages";
import type { Children } from "./process";

/** In the order of preference when a folder has several. */
const LOCK_FILES = [
  ["yarn", ["yarn.lock"]],
  ["pnpm", ["pnpm-lock.yaml"]],
  ["bun", ["bun.lock", "bun.lockb"]],
] as const satisfies readonly (readonly [PackageManager, readonly string[]])[];

/** bun takes `--production` for "frozen lock file" (oven-sh/bun#10949), so it never gets it. */
const INSTALL_ARGUMENTS: Record<PackageManager, { all: string[]; production: string[] }> = {
  npm: { all: ["install", "--loglevel=error"], production: ["--omit=dev"] },
  pnpm: { all: ["install", "--use-stderr"], production: ["--prod"] },
  yarn: { all: ["install"], production: ["--production"] },
  bun: { all: ["install"], production: [] },
};

/** Takes what the package manager prints. */
export interface InstallOutput {
  stdout(data: Buffer): void;
  stderr(data: Buffer): void;
}

/**
 * The package manager of a program: its `packagemanager` option; else by the nearest lock file,
 * for those that are installed (PULUMI_PREFER_YARN counts as a yarn.lock); else npm.
 */
export function selectPackageManager(program: Program): PackageManager {
  if (program.options.packagemanager !== undefined) return program.options.packagemanager;
  const folders = ancestors(program.directory);
  const locked = (files: readonly string[]): boolean =>
    folders.some((folder) => files.some((file) => existsSync(path.join(folder, file))));
  const preferYarn = ["1", "true"].includes(process.env.PULUMI_PREFER_YARN ?? "");
  const selected = LOCK_FILES.find(
    ([manager, files]) =>
      (locked(files) || (manager === "yarn" && preferYarn)) &&
      findExecutable(manager) !== undefined,
  );
  return selected?.[0] ?? "npm";
}

/**
 * Installs a program's packages in its workspace or folder.
 *
 * @throws LanguageHostError when the package manager is missing or fails.
 */
export async function installDependencies(
  program: Program,
  children: Children,
  output: InstallOutput,
): Promise<void> {
  const manager = selectPackageManager(program);
  if (findExecutable(manager) === undefined) {
    throw new LanguageHostError(
      `${manager} is not on PATH: install it, or name another one in the runtime option "packagemanager"`,
    );
  }
  const { all, production } = INSTALL_ARGUMENTS[manager];
  const args = program.options.production ? [...all, ...production] : all;
  output.stdout(Buffer.from(`Installing dependencies with ${manager} in ${program.directory}\n`));
  const child = await children.start(manager, args, { cwd: program.directory, env: process.env });
  const forward = (stream: Readable, take: (data: Buffer) => void) => stream.on("data", take);
  forward(child.stdout, (data) => output.stdout(data));
  forward(child.stderr, (data) => output.stderr(data));
  const { code, signal } = await child.exited;
  if (code !== 0) {
    throw new LanguageHostError(
      `${manager} ${args.join(" ")} in ${program.directory} ended with ${signal ?? `exit code ${String(code)}`}`,
    );
  }
  output.stdout(Buffer.from("Finished installing dependencies\n"));
}

/** Looks a command up as a shell does. */
export function findExecutable(name: string): string | undefined {
  return (process.env.PATH ?? "")
    .split(path.delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
