import { spawn } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { constants, hostname } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

import { isAlive } from "../alive";
import { stateFolder } from "../environment";
import { reasonOf, ToolError } from "../errors";
import { stackFile, withoutSalt } from "../stack-file";
import { say, STACK, type Project } from "./context";

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
  const keepFile = <T>(work: () => Promise<T>) =>
    usesOwnBackend(project) ? withoutSalt(stackFile(project.root, STACK), work) : work();
  return keepFile(async () => {
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

/** Runs the CLI without a question and keeps what it prints. */
export async function capturePulumi(project: Project, args: readonly string[]): Promise<Captured> {
  const { exitCode, stdout, stderr } = await execa(project.pulumi, [...args, "--non-interactive"], {
    cwd: project.root,
    env: project.env,
    extendEnv: false,
    stdin: "ignore",
    reject: false,
  });
  return { exitCode: exitCode ?? 1, stdout, stderr };
}

/** Selects the stack; makes it where `create` is set. @returns whether it exists now */
export async function selectStack(project: Project, create: boolean): Promise<boolean> {
  const selected = await capturePulumi(project, ["stack", "select", STACK]);
  if (selected.exitCode === 0) return true;
  if (selected.exitCode !== NO_SUCH_STACK) throw cliFailure("select the stack", selected);
  if (!create) return false;
  const code = await runPulumi(project, ["stack", "init", STACK, "--non-interactive"], {
    interactive: false,
  });
  if (code === 0) return true;
  throw new ToolError({
    what: `the stack ${STACK} could not be made`,
    why: "Pulumi's message is above",
  });
}

export function cliFailure(doing: string, { exitCode, stderr }: Captured): ToolError {
  return new ToolError({
    what: `Pulumi could not ${doing} (exit code ${exitCode})`,
    why: stderr.trim().split("\n").slice(-5).join("\n       "),
  });
}

/** Outputs by name; secrets are masked by the CLI. */
export async function stackOutputs(project: Project): Promise<Record<string, unknown>> {
  const result = await capturePulumi(project, ["stack", "output", "--stack", STACK, "--json"]);
  if (result.exitCode !== 0) throw cliFailure("read the stack's outputs", result);
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

const usesOwnBackend = ({ environment, env }: Project): boolean =>
  environment.variables.PULUMI_BACKEND_URL !== undefined &&
  environment.variables.PULUMI_BACKEND_URL === env.PULUMI_BACKEND_URL;

/**
 * Removes the lock that a killed Pulumi left on the stack. Only on the project's own backend, and only
 * when the lock names a process of this machine that is gone.
 * @returns whether there was one
 */
export async function releaseDeadLock(project: Project): Promise<boolean> {
  if (!usesOwnBackend(project)) return false;
  const holders = await lockHolders(project.root);
  if (holders.length === 0 || holders.some(isHeld)) return false;
  const result = await capturePulumi(project, ["cancel", "--yes", "--stack", STACK]);
  if (result.exitCode !== 0) throw cliFailure("release the stack's lock", result);
  say(`The last run was killed: its lock on the stack ${STACK} is released.`);
  return true;
}

/**
 * Forgets the creations that a killed run left pending, of which Pulumi cannot know how they ended.
 * What they made is found again by the next `up`, which creates by name, or goes with the cluster.
 * @returns Pulumi's exit code
 */
export async function clearPendingOperations(
  project: Project,
  interactive: boolean,
): Promise<number> {
  const exported = await capturePulumi(project, ["stack", "export", "--stack", STACK]);
  if (exported.exitCode !== 0) throw cliFailure("read the stack's state", exported);
  const { deployment } = JSON.parse(exported.stdout) as {
    deployment?: { pending_operations?: unknown[] };
  };
  if ((deployment?.pending_operations?.length ?? 0) === 0) return 0;
  const flags = ["--yes", "--skip-preview", "--clear-pending-creates"];
  return runPulumi(project, ["refresh", "--stack", STACK, ...flags], {
    interactive,
    env: { PULUMI_K8S_DELETE_UNREACHABLE: "true" },
  });
}

interface LockHolder {
  readonly pid: number;
  readonly hostname: string;
}

async function lockHolders(root: string): Promise<readonly LockHolder[]> {
  const folder = join(stateFolder(root), ".pulumi", "locks", "organization", "drydock", STACK);
  const names = await readdir(folder).catch(() => []);
  const texts = await Promise.all(
    names
      .filter((name) => name.endsWith(".json"))
      .map((name) => readFile(join(folder, name), "utf8")),
  );
  return texts.map((text) => JSON.parse(text) as LockHolder);
}

/** Of a process on another machine nothing can be known: it counts as alive. */
const isHeld = (holder: LockHolder): boolean =>
  holder.hostname !== hostname() || isAlive(holder.pid);
