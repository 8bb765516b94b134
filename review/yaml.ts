import { stringify } from "yaml";

/** Long texts stay on their line, and nothing is an anchor: a diff shows what changed, where it changed. */
export function yamlText(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
