import { existsSync } from "node:fs";
import { join } from "node:path";

import { execa } from "execa";

import { SYSTEM_PATH } from "../../../infra/local/runtime/process";

/** Whether this run may make network namespaces, mounts and cgroups. */
export const asRoot = process.platform === "linux" && process.getuid?.() === 0;

/** Why a test is left out. */
export const ROOT_REASON = "needs root on Linux: it makes namespaces, mounts or cgroups";

interface Program {
  readonly path: string;
  run(...args: string[]): Promise<{ stdout: string; stderr: string }>;
}

/** A program of the system. @throws where it is not installed */
export function findProgram(name: string): Program {
  const path = SYSTEM_PATH.split(":")
    .map((folder) => join(folder, name))
    .find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new Error(`${name} is not installed`);
  }
  return { path, run: (...args) => execa(path, args, { stdin: "ignore" }) };
}
