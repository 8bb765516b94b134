import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { TestProject } from "vitest/node";

import { failedReasons, probeHost } from "../../infra/local/runtime/probes";
import { withProgress } from "../../toolchain/progress";
import { KUBERNETES_MINORS, type ToolName } from "../../toolchain/release";
import { resolveTools } from "../../toolchain/resolve";
import { DEFAULT_KUBERNETES_MINOR, RELEASES } from "../../toolchain/tools";

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
  // What an upgrade starts from. After the rest, which most tests need.
  const another = RELEASES.filter(({ kubernetes }) => kubernetes !== undefined).map(
    ({ name }) => name as ToolName,
  );
  for (const kubernetes of KUBERNETES_MINORS.filter(
    (minor) => minor !== DEFAULT_KUBERNETES_MINOR,
  )) {
    await withProgress((onProgress) => resolveTools(another, { onProgress, kubernetes }));
  }
  const binaries = mkdtempSync(join(tmpdir(), "drydock-tools-"));
  for (const [name, { path }] of tools) {
    symlinkSync(path, join(binaries, name));
  }
  project.provide("binaries", binaries);
  project.provide("noRealNode", failedReasons(await probeHost()));
  return () => rmSync(binaries, { recursive: true, force: true });
}
