import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { TestProject } from "vitest/node";

import { failedReasons, probeHost } from "../../infra/local/runtime/probes";
import { withProgress } from "../../toolchain/progress";
import { resolveTools } from "../../toolchain/resolve";
import { RELEASES } from "../../toolchain/tools";

declare module "vitest" {
  export interface ProvidedContext {
    /** Why this machine permits no real node; empty where it does. */
    noRealNode: string[];
    /** Folder with a link to every tool, by name. */
    binaries: string;
  }
}

/**
 * Gets every tool before the first test, with its progress: on a new machine that takes minutes,
 * and no single test should wait for it.
 */
export default async function setup(project: TestProject): Promise<() => void> {
  const names = RELEASES.flatMap((release) => release.tools.map((tool) => tool.name));
  const tools = await withProgress((onProgress) => resolveTools(names, { onProgress }));
  const binaries = mkdtempSync(join(tmpdir(), "drydock-tools-"));
  for (const [name, { path }] of tools) {
    symlinkSync(path, join(binaries, name));
  }
  project.provide("binaries", binaries);
  project.provide("noRealNode", failedReasons(await probeHost()));
  return () => rmSync(binaries, { recursive: true, force: true });
}
