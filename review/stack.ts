import * as fs from "node:fs";

import { parseConfig } from "../config/parse";
import { placeholder } from "./placeholder";
import { recordProgram } from "./recording/program";
import { ENCRYPTED, root, stackFile } from "./recording/stack-file";
import { render, type Rendering } from "./render";

const NAMESPACE = "drydock";

/** The stacks that have a file beside Pulumi.yaml, sorted. */
export function stackNames(): string[] {
  return fs
    .readdirSync(root)
    .flatMap((file) => /^Pulumi\.([^.]+)\.yaml$/.exec(file)?.[1] ?? [])
    .sort();
}

/**
 * Renders the stack as index.ts and its stack file stand.
 * @throws ConfigError for a stack file that cannot be used; RecordingError for a program that cannot be recorded
 */
export async function renderStack(stack: string): Promise<Rendering> {
  const config = resolvedConfig(stackFile(stack).config);
  const recording = await recordProgram(stack, "update", { standIn: placeholder });
  return render(recording, config);
}

/** In the form of a stack file, with all defaults. */
export function resolvedConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const prefix = `${NAMESPACE}:`;
  const isOwn = ([key]: [string, unknown]) => key.startsWith(prefix);
  const own = Object.entries(config)
    .filter(isOwn)
    .map(([key, value]) => ({ section: key.slice(prefix.length), value }));
  const foreign = Object.entries(config).filter((entry) => !isOwn(entry));
  const resolved = parseConfig(
    Object.fromEntries(own.map(({ section, value }) => [section, value])),
    {
      namespace: NAMESPACE,
      secretSections: new Set(
        own.filter(({ value }) => holdsSecret(value)).map(({ section }) => section),
      ),
      awsRegion: config["aws:region"] as string | undefined,
      foreignKeys: foreign.map(([key]) => key),
    },
  );
  const sections = Object.entries(resolved).map(([key, value]) => [`${prefix}${key}`, value]);
  return Object.fromEntries([...foreign, ...sections]) as Record<string, unknown>;
}

function holdsSecret(value: unknown): boolean {
  return JSON.stringify(value).includes(ENCRYPTED);
}
