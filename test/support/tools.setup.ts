import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { TestProject } from "vitest/node";

import { failedReasons, probeHost } from "../../infra/local/runtime/probes";
import { provideLanguageHost } from "../../toolchain/language-host";
import { withProgress } from "../../toolchain/progress";
import type { Progress, ResolvedTools } from "../../toolchain/resolve";
import { resolveFirstTools, resolveLaterTools } from "./tools";

declare module "vitest" {
  export interface ProvidedContext {
    /** Why this machine permits no real node; empty where it does. */
    noRealNode: string[];
    /** Folder with a link to every tool that most tests need, by name. */
    binaries: string;
  }
}

/**
 * Gets the tools before the first test, with the progress: on a new machine that takes minutes, and no
 * single test should wait for it. What only the last tests need is got while the others run.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const noRealNode = failedReasons(await probeHost());
  refuseSkipping(noRealNode);
  const tools = await withProgress((onProgress) => resolveFirstTools({ onProgress }));
  await provideHost(tools);
  const stop = new AbortController();
  const later = getLaterTools(stop.signal);
  const binaries = mkdtempSync(join(tmpdir(), "drydock-tools-"));
  for (const [name, { path }] of tools) {
    symlinkSync(path, join(binaries, name));
  }
  project.provide("binaries", binaries);
  project.provide("noRealNode", noRealNode);
  return async () => {
    stop.abort(new Error("stopped, since the tests are over; the next run goes on from there"));
    await later;
    rmSync(binaries, { recursive: true, force: true });
  };
}

/** Where a real node is known to be possible, a run that leaves it out proves nothing. */
function refuseSkipping(noRealNode: readonly string[]): void {
  if (process.env.DRYDOCK_REQUIRE_REAL_NODE !== "1" || noRealNode.length === 0) return;
  throw new Error(`DRYDOCK_REQUIRE_REAL_NODE is 1, and ${noRealNode.join("; ")}`);
}

/** As the first command of a user does: tests that start the CLI by themselves find it there too. */
async function provideHost(tools: ResolvedTools): Promise<void> {
  const pulumi = tools.get("pulumi");
  if (pulumi !== undefined) await provideLanguageHost(process.cwd(), pulumi, process.env);
}

/** Builds at the lowest priority, so that the tests have the processors to themselves where they want them. */
async function getLaterTools(signal: AbortSignal): Promise<void> {
  const say = (text: string) => process.stderr.write(`[beside the tests] ${text}\n`);
  const titles = new Map<string, string>();
  const onProgress = (progress: Progress): void => {
    if (progress.kind === "plan") {
      for (const { name, title } of progress.groups) titles.set(name, title);
      say(`getting ${progress.groups.map(({ title }) => title).join("; ")}`);
    }
    if (progress.kind === "done") say(`done: ${titles.get(progress.group) ?? progress.group}`);
  };
  try {
    await resolveLaterTools({ background: true, signal, onProgress });
  } catch (error) {
    // The tests that need them try again, and fail with the reason.
    say(error instanceof Error ? error.message : String(error));
  }
}
