import { KUBERNETES_MINORS, type ToolName } from "../../toolchain/release";
import { resolveTools, type ResolvedTools, type ResolveOptions } from "../../toolchain/resolve";
import { DEFAULT_KUBERNETES_MINOR, RELEASES } from "../../toolchain/tools";

/** Only the tests of `later` in vitest.config.mts need these, and another Kubernetes minor. */
const LATER: readonly ToolName[] = ["karpenter", "skipper"];

/** What most tests need: every tool but the later ones. */
export function resolveFirstTools(options: ResolveOptions): Promise<ResolvedTools> {
  const names = RELEASES.flatMap(({ tools }) => tools.map(({ name }) => name));
  return resolveTools(
    names.filter((name) => !LATER.includes(name)),
    options,
  );
}

/** The rest: where they must be built, ten minutes of two processors. */
export async function resolveLaterTools(options: ResolveOptions): Promise<void> {
  await resolveTools(LATER, options);
  const another = RELEASES.filter(({ kubernetes }) => kubernetes !== undefined);
  const names = another.flatMap(({ tools }) => tools.map(({ name }) => name));
  for (const kubernetes of KUBERNETES_MINORS) {
    if (kubernetes === DEFAULT_KUBERNETES_MINOR) continue;
    await resolveTools([...new Set(names)], { ...options, kubernetes });
  }
}
