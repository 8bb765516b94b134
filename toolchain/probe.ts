import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import { delimiter, join, sep } from "node:path";

import { reasonOf } from "./errors";
import type { Environment } from "./paths";
import type { Release, Tool } from "./release";
import { fits } from "./versions";

const PROBE_SECONDS = 10;

export interface FoundTool {
  readonly path: string;
  readonly version: string;
}

export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** The first executable of that name on PATH, leaving out whatever lies below `except`. */
export async function findOnPath(
  name: string,
  env: Environment,
  except?: string,
): Promise<string | undefined> {
  const excluded = except === undefined ? undefined : await realpath(except).catch(() => except);
  for (const folder of (env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (folder === "" || !(await isExecutable(path))) continue;
    const inside = excluded !== undefined && (await realpath(path)).startsWith(excluded + sep);
    if (!inside) return path;
  }
  return undefined;
}

/** Runs the tool with its version arguments. Rejects when it does not start or prints no version. */
export async function probeVersion(path: string, tool: Tool): Promise<string> {
  const { args, pattern } = tool.probe;
  const output = await new Promise<string>((resolve, reject) => {
    // Even `pulumi version` writes a log to its home folder: it gets none.
    const env = { ...process.env, PULUMI_HOME: "/dev/null", PULUMI_SKIP_UPDATE_CHECK: "true" };
    const options = { timeout: PROBE_SECONDS * 1000, env };
    const child = execFile(path, [...args], options, (error, stdout, stderr) => {
      // Some commands print their version and still exit non-zero; the pattern decides.
      if (error !== null && stdout === "" && stderr === "") reject(new Error(error.message));
      else resolve(`${stdout}\n${stderr}`);
    });
    child.stdin?.end();
  });
  const version = pattern.exec(output)?.[1];
  if (version === undefined) {
    const first = output.trim().split("\n")[0] ?? "";
    throw new Error(`${[path, ...args].join(" ")} printed no version: "${first.slice(0, 200)}"`);
  }
  return version;
}

export interface PathSearch {
  /** Every tool of the release, when all are on PATH in a fitting version. */
  readonly tools?: ReadonlyMap<string, FoundTool>;
  /** Why something on PATH was passed over, for `doctor`. */
  readonly rejected?: string;
}

/** A release's tools are taken from PATH together or not at all: containerd and its shim must match. */
export async function searchPath(
  release: Release,
  env: Environment,
  cacheDirectory: string,
): Promise<PathSearch> {
  if (release.fit === "never") return {};
  const tools = new Map<string, FoundTool>();
  for (const tool of release.tools) {
    const path = await findOnPath(tool.name, env, cacheDirectory);
    if (path === undefined) {
      return tools.size === 0 ? {} : { rejected: `${tool.name} of ${release.name} is not on PATH` };
    }
    try {
      const version = await probeVersion(path, tool);
      if (!fits(version, release.version, release.fit)) {
        return { rejected: `${path} is ${version}, which does not fit ${release.version}` };
      }
      tools.set(tool.name, { path, version });
    } catch (error) {
      return { rejected: reasonOf(error) };
    }
  }
  return { tools };
}
