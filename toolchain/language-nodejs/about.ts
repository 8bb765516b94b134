import { realpathSync } from "node:fs";
import path from "node:path";

import { AboutResponse } from "@pulumi/pulumi/proto/language_pb";

import { findExecutable, selectPackageManager } from "./install";
import type { Program } from "./options";
import { installedVersion, nearestManifest } from "./packages";

/** The runtime, the package manager and the TypeScript the program would load. */
export function about(program: Program): AboutResponse {
  const manager = selectPackageManager(program);
  const response = new AboutResponse().setExecutable(process.execPath).setVersion(process.version);
  const metadata = {
    packagemanager: manager,
    packagemanagerVersion: executableVersion(manager),
    typescriptVersion: installedVersion(program.directory, "typescript"),
  };
  for (const [key, value] of Object.entries(metadata)) {
    if (value !== undefined) response.getMetadataMap().set(key, value);
  }
  return response;
}

/**
 * The version of a package manager, from the package its executable lies in: the engine asks at
 * each preview and update, and starting npm to ask it costs more than the whole host.
 */
function executableVersion(name: string): string | undefined {
  const executable = findExecutable(name);
  if (executable === undefined) return undefined;
  const owner = nearestManifest(path.dirname(realpathSync(executable)));
  return owner?.manifest.name === name ? owner.manifest.version : undefined;
}
