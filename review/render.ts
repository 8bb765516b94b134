import { layout } from "./layout";
import { isManifest, manifestText } from "./manifest";
import type { Recording } from "./recording/recorder";
import { resourceText } from "./resource";
import { masking } from "./secrets";
import { treeOf } from "./tree";
import { yamlText } from "./yaml";

/** Texts by path below expected/<stack>/, with forward slashes. */
export type Rendering = ReadonlyMap<string, string>;

/**
 * Renders a recording: one file a resource, and what holds them together. The same recording gives the same
 * texts; no secret is in them.
 * @param config the stack's configuration with all defaults
 */
export function render(recording: Recording, config: unknown): Rendering {
  const { resources, outputs } = recording;
  const show = masking(recording);
  const files = layout(resources);
  const texts = resources.flatMap((one): [string, string][] => {
    const path = files.get(one.urn);
    if (path === undefined) return []; // The stack itself: its outputs have a file.
    return [[path, isManifest(one) ? manifestText(one, show) : resourceText(one, show)]];
  });
  return new Map([
    ["config.yaml", yamlText(config)],
    ["outputs.yaml", yamlText(show(outputs))],
    ["tree.yaml", yamlText(treeOf(resources, files))],
    ...texts.sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}
