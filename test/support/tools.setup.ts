import { withProgress } from "../../toolchain/progress";
import { resolveTools } from "../../toolchain/resolve";
import { RELEASES } from "../../toolchain/tools";

/**
 * Gets every tool before the first test, with its progress: on a new machine that takes minutes,
 * and no single test should wait for it.
 */
export default async function setup(): Promise<void> {
  const names = RELEASES.flatMap((release) => release.tools.map((tool) => tool.name));
  await withProgress((onProgress) => resolveTools(names, { onProgress }));
}
