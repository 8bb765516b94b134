import { randomBytes } from "node:crypto";
import { chmod, copyFile, readFile, realpath, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { findOnPath, isExecutable } from "./probe";
import type { Environment } from "./paths";
import type { ResolvedTool } from "./resolve";

const HOST = "pulumi-language-nodejs";

export interface LanguageHost {
  /** Folder to put on PATH; absent where Pulumi finds a host by itself. */
  readonly folder?: string;
  readonly note?: string;
}

/**
 * Sees to a Node.js language host. The official one comes with every official CLI, next to it; a CLI
 * built from source has none, and gets the stand-in of this checkout in the same place.
 */
export async function provideLanguageHost(
  root: string,
  pulumi: ResolvedTool,
  env: Environment,
): Promise<LanguageHost> {
  const standIn = join(root, "dist", "language-nodejs", HOST);
  const besides = join(dirname(await realpath(pulumi.path)), HOST);
  const ours = pulumi.source === "build" || pulumi.origin === "build";
  if (ours) {
    const created = await copyWhereDifferent(standIn, besides);
    const note =
      "This Pulumi CLI was built from source, without the official Node.js language host: drydock's own stand-in serves.";
    return created ? { note } : {};
  }
  if ((await isExecutable(besides)) || (await findOnPath(HOST, env)) !== undefined) return {};
  return {
    folder: dirname(standIn),
    note: `${pulumi.path} has no Node.js language host next to it: drydock's own stand-in serves.`,
  };
}

/** A copy and not a link: the cache serves several checkouts, and must outlive each. */
async function copyWhereDifferent(from: string, to: string): Promise<boolean> {
  const wanted = await readFile(from);
  const present = await readFile(to).catch(() => undefined);
  if (present?.equals(wanted) === true) return false;
  const partial = `${to}.${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    await copyFile(from, partial);
    await chmod(partial, 0o755);
    await rename(partial, to);
  } finally {
    await rm(partial, { force: true });
  }
  return present === undefined;
}
