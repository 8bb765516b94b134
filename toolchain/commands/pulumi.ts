import { spawn } from "node:child_process";
import { constants } from "node:os";
import { execa } from "execa";

import { reasonOf, ToolError } from "../errors";
import { stackFile, withoutSalt } from "../stack-file";
import { usesOwnBackend, type Project } from "./context";

/** Exit code of the CLI for a stack that does not exist. */
const NO_SUCH_STACK = 6;
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs the CLI on the user's terminal and gives its exit code. With a terminal, Ctrl-C reaches Pulumi
 * from there; without one, Pulumi gets a process group of its own and each signal once, from us:
 * a second SIGINT would make it stop at once and leave a pending operation behind.
 */
export async function runPulumi(
  project: Project,
  args: readonly string[],
  { interactive, env = {} }: { interactive: boolean; env?: Record<string, string> },
): Promise<number> {
  return keepingStackFile(project, async () => {
    const child = spawn(project.pulumi, args, {
      cwd: project.root,
      env: { ...project.env, ...env },
      stdio: [interactive ? "inherit" : "ignore", "inherit", "inherit"],
      detached: !interactive,
    });
    const forward = (signal: NodeJS.Signals) => {
      if (!interactive || signal !== "SIGINT") child.kill(signal);
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    try {
      return await new Promise<number>((resolve, reject) => {
        child.on("error", (error) => reject(cannotRun(project, error)));
        child.on("close", (code, signal) => resolve(code ?? codeOf(signal)));
      });
    } finally {
      for (const signal of FORWARDED) process.removeListener(signal, forward);
    }
  });
}

const keepingStackFile = <T>(project: Project, work: () => Promise<T>): Promise<T> =>
  usesOwnBackend(project) ? withoutSalt(stackFile(project.root, project.stack), work) : work();

/** What a shell gives for a process that a signal ended. */
const codeOf = (signal: NodeJS.Signals | null): number =>
  signal === null ? 1 : 128 + constants.signals[signal];

function cannotRun(project: Project, error: Error): ToolError {
  return new ToolError(
    { what: "the Pulumi CLI does not start", where: project.pulumi, why: reasonOf(error) },
    { cause: error },
  );
}

interface Captured {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the CLI without a question and keeps what it prints.
 * @param input for its standard input; default: none
 */
export async function capturePulumi(
  project: Project,
  args: readonly string[],
  { input, env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<Captured> {
  const { exitCode, stdout, stderr } = await execa(project.pulumi, [...args, "--non-interactive"], {
    cwd: project.root,
    env: { ...project.env, ...env },
    extendEnv: false,
    ...(input === undefined ? { stdin: "ignore" } : { input }),
    reject: false,
  });
  return { exitCode: exitCode ?? 1, stdout, stderr };
}

/** Selects the stack; makes it where `create` is set. @returns whether it exists now */
export async function selectStack(project: Project, create: boolean): Promise<boolean> {
  const select = ["stack", "select", project.stack];
  const selecting = () => capturePulumi(project, create ? [...select, "--create"] : select);
  const selected = await (create ? keepingStackFile(project, selecting) : selecting());
  if (selected.exitCode === 0) return true;
  if (!create && selected.exitCode === NO_SUCH_STACK) return false;
  // Another run may have made it this very moment: then it is there to be selected.
  if (create && (await capturePulumi(project, select)).exitCode === 0) return true;
  throw cliFailure(create ? "select or make the stack" : "select the stack", selected);
}

export function cliFailure(doing: string, { exitCode, stderr }: Captured): ToolError {
  return new ToolError({
    what: `Pulumi could not ${doing} (exit code ${exitCode})`,
    why: stderr.trim().split("\n").slice(-5).join("\n       "),
  });
}

/** Outputs by name; secrets are masked by the CLI. */
export async function stackOutputs(project: Project): Promise<Record<string, unknown>> {
  const result = await capturePulumi(project, [
    "stack",
    "output",
    "--stack",
    project.stack,
    "--json",
  ]);
  if (result.exitCode !== 0) throw cliFailure("read the stack's outputs", result);
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

/** A deployment as the CLI exports it: secrets stay encrypted. */
export interface Deployment {
  readonly resources?: readonly ResourceState[];
  readonly pending_operations?: readonly PendingOperation[];
}

export interface ResourceState {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly delete?: boolean;
  readonly pendingReplacement?: boolean;
}

export interface PendingOperation {
  readonly resource: ResourceState;
  /** `creating`, `updating`, `deleting`, `reading` or `importing`. */
  readonly type: string;
}

export interface ExportedState {
  readonly deployment?: Deployment;
}

/** The stack's state; undefined where there is no such stack. */
export async function exportState(project: Project): Promise<ExportedState | undefined> {
  const exported = await capturePulumi(project, ["stack", "export", "--stack", project.stack]);
  if (exported.exitCode === NO_SUCH_STACK) return undefined;
  if (exported.exitCode !== 0) throw cliFailure("read the stack's state", exported);
  return JSON.parse(exported.stdout) as ExportedState;
}

export async function importState(project: Project, state: ExportedState): Promise<void> {
  const args = ["stack", "import", "--stack", project.stack];
  const imported = await capturePulumi(project, args, { input: JSON.stringify(state) });
  if (imported.exitCode !== 0) throw cliFailure("write the stack's state", imported);
}
