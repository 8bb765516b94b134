import type { Rule } from "eslint";

export const layers: Readonly<Record<string, readonly string[]>>;
export function layerOf(file: string): string | undefined;
export function forbidden(file: string, specifier: string): string | undefined;
export const direction: Rule.RuleModule;
