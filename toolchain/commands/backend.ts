import { homedir } from "node:os";
import { join } from "node:path";

import type { Project } from "./context";
import { capturePulumi, cliFailure } from "./pulumi";

/** Name in Pulumi.yaml: a part of every path below a backend's folder. */
const PROJECT = "drydock";

/** Where a backend that is a folder keeps what belongs to one stack. */
export interface BackendFiles {
  /** The stack's state. */
  readonly checkpoint: string;
  /** Folders with older states. */
  readonly backups: readonly string[];
  readonly locks: string;
}

/** The files of the project's backend; undefined where it is no folder of this machine. */
export async function backendFiles(project: Project): Promise<BackendFiles | undefined> {
  const folder = folderOf(project.env.PULUMI_BACKEND_URL ?? (await currentBackend(project)));
  return folder === undefined ? undefined : filesBelow(folder, project.stack);
}

export function filesBelow(folder: string, stack: string): BackendFiles {
  const below = (...parts: string[]) => join(folder, ".pulumi", ...parts);
  return {
    checkpoint: below("stacks", PROJECT, `${stack}.json`),
    backups: [below("backups", PROJECT, stack), below("history", PROJECT, stack)],
    locks: below("locks", "organization", PROJECT, stack),
  };
}

async function currentBackend(project: Project): Promise<string> {
  const answer = await capturePulumi(project, ["whoami", "--json"]);
  if (answer.exitCode !== 0) throw cliFailure("tell its backend", answer);
  return (JSON.parse(answer.stdout) as { url?: string }).url ?? "";
}

function folderOf(url: string): string | undefined {
  const path = /^file:\/\/([^?]*)/.exec(url)?.[1];
  return path?.startsWith("~") === true ? join(homedir(), path.slice(1)) : path;
}
