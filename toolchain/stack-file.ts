import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse } from "yaml";

import { errorCode, ToolError } from "./errors";
import { KUBERNETES_MINORS, type KubernetesMinor } from "./release";
import { DEFAULT_KUBERNETES_MINOR } from "./tools";

/**
 * What the commands must know of a stack's file before the program runs. The program's own reading of it
 * (config/) checks every key; here an odd value only means that a default is used.
 */
export interface StackSettings {
  readonly clusterKind: string;
  readonly clusterName: string;
  readonly engine: "auto" | "native" | "kind";
  readonly realNodes: "auto" | "always" | "never";
  readonly simulatedNodes: number;
  /** Whether Karpenter adds simulated nodes. */
  readonly autoscaling: boolean;
  readonly kubernetes: KubernetesMinor;
}

export const stackFile = (root: string, stack: string): string =>
  join(root, `Pulumi.${stack}.yaml`);

export async function readStackSettings(root: string, stack: string): Promise<StackSettings> {
  const config = record(record(await parseFile(stackFile(root, stack))).config);
  const cluster = record(config["drydock:cluster"]);
  const nodes = record(cluster.nodes);
  const text = (value: unknown, fallback: string) => (typeof value === "string" ? value : fallback);
  return {
    clusterKind: text(cluster.kind, "local"),
    clusterName: text(cluster.name, "dev"),
    engine: cluster.engine === "native" || cluster.engine === "kind" ? cluster.engine : "auto",
    realNodes: nodes.real === "always" || nodes.real === "never" ? nodes.real : "auto",
    simulatedNodes: typeof nodes.simulated === "number" ? nodes.simulated : 0,
    autoscaling: record(nodes.autoscaling).kind === "karpenter",
    kubernetes:
      KUBERNETES_MINORS.find((minor) => minor === cluster.kubernetesVersion) ??
      DEFAULT_KUBERNETES_MINOR,
  };
}

/** Whether Pulumi has bound the stack's file to a passphrase. */
export const hasSalt = async (file: string): Promise<boolean> =>
  record(await parseFile(file)).encryptionsalt !== undefined;

/** The stack files of the project, as paths. */
export async function stackFiles(root: string): Promise<readonly string[]> {
  const names = await readdir(root);
  return names.filter((name) => /^Pulumi\..+\.yaml$/.test(name)).map((name) => join(root, name));
}

/**
 * Runs `work` and takes back the line `encryptionsalt` that Pulumi adds to a stack's file: it belongs to
 * this checkout's generated passphrase, and committed it would lock everyone else out. Pulumi finds
 * the salt in the stack's state. A file that holds encrypted values keeps it.
 */
export async function withoutSalt<T>(file: string, work: () => Promise<T>): Promise<T> {
  const before = await readFile(file, "utf8").catch(() => undefined);
  try {
    return await work();
  } finally {
    const after = await readFile(file, "utf8").catch(() => undefined);
    const cleaned = after === undefined ? undefined : withoutSaltLine(after, before);
    if (cleaned !== undefined && cleaned !== after) await writeFile(file, cleaned);
  }
}

/** @param original what to return where it differs from the result in layout only: Pulumi reformats the file */
export function withoutSaltLine(text: string, original?: string): string {
  if (/^\s+secure:/m.test(text)) return text;
  const cleaned = text.replace(/^encryptionsalt:.*\n?/m, "");
  const same = original !== undefined && isDeepStrictEqual(parse(original), parse(cleaned));
  return same ? original : cleaned;
}

async function parseFile(file: string): Promise<unknown> {
  try {
    return parse(await readFile(file, "utf8"));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    const why = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new ToolError({ what: "the stack's file cannot be read", where: file, why });
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
