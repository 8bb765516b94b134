import { readFile, readdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

import { commandName, isAlive } from "../alive";
import { stateFolder } from "../environment";
import { ToolError } from "../errors";
import { filesBelow, type BackendFiles } from "./backend";
import { say, usesOwnBackend, type Project } from "./context";
import { capturePulumi, cliFailure } from "./pulumi";

/** What a run of Pulumi writes into its lock on a stack. */
interface LockHolder {
  readonly pid: number;
  readonly username?: string;
  readonly hostname: string;
  /** RFC 3339. */
  readonly timestamp?: string;
}

/**
 * Removes the lock that a killed Pulumi left on the stack. Only on a backend whose files can be seen,
 * and only when the lock names a process of this machine that is gone.
 * @param files default: those of the project's own backend
 * @returns whether there was one
 * @throws ToolError when a run that is still alive, or on another machine, holds the stack
 */
export async function releaseDeadLock(
  project: Project,
  files: BackendFiles | undefined = ownFiles(project),
): Promise<boolean> {
  const { stack } = project;
  await assertFree(project, files);
  if ((await lockHolders(files)).length === 0) return false;
  const result = await capturePulumi(project, ["cancel", "--yes", "--stack", stack]);
  if (result.exitCode !== 0) throw cliFailure("release the stack's lock", result);
  say(`The last run was killed: its lock on the stack ${stack} is released.`);
  return true;
}

/** @throws ToolError when a run that is still alive, or on another machine, holds the stack */
export async function assertFree(
  { stack }: Project,
  files: BackendFiles | undefined,
): Promise<void> {
  const live = (await lockHolders(files)).filter(isHeld);
  if (live.length > 0) throw isBusy(stack, live);
}

/** Who holds the stack now, in words; undefined where nobody does. */
export async function liveHolder(project: Project): Promise<string | undefined> {
  const live = (await lockHolders(ownFiles(project))).filter(isHeld);
  return live.length === 0 ? undefined : isBusy(project.stack, live).message;
}

const ownFiles = (project: Project): BackendFiles | undefined =>
  usesOwnBackend(project) ? filesBelow(stateFolder(project.root), project.stack) : undefined;

async function lockHolders(files: BackendFiles | undefined): Promise<readonly LockHolder[]> {
  if (files === undefined) return [];
  const names = await readdir(files.locks).catch(() => []);
  const texts = await Promise.all(
    names
      .filter((name) => name.endsWith(".json"))
      // A run that ends this very moment takes its lock with it.
      .map((name) => readFile(join(files.locks, name), "utf8").catch(() => undefined)),
  );
  return texts.flatMap((text) => (text === undefined ? [] : [holderOf(text)]));
}

/** A lock that the disk had no room for is empty: its writer failed at once. */
function holderOf(text: string): LockHolder {
  try {
    return JSON.parse(text) as LockHolder;
  } catch {
    return { pid: 0, hostname: hostname() };
  }
}

/** Of a process on another machine nothing can be known: it counts as alive. */
function isHeld({ pid, hostname: host, timestamp }: LockHolder): boolean {
  if (host !== hostname()) return true;
  return pid > 0 && isAlive(pid, timestamp === undefined ? undefined : new Date(timestamp));
}

function isBusy(stack: string, holders: readonly LockHolder[]): ToolError {
  const elsewhere = holders.some(({ hostname: host }) => host !== hostname());
  return new ToolError({
    what: `another run of Pulumi works on the stack ${stack}: ${holders.map(describe).join("; ")}`,
    why: "two runs at once would work on the same resources",
    fix: elsewhere
      ? `wait for it; only if that run is dead: pulumi cancel --stack ${stack}`
      : "wait for it to end, or interrupt it with Ctrl-C where it runs",
  });
}

function describe({ pid, username, hostname: host, timestamp }: LockHolder): string {
  const command = host === hostname() ? commandName(pid) : undefined;
  return [
    `pid ${String(pid)}`,
    ...(command === undefined ? [] : [`(${command})`]),
    `of ${username ?? "somebody"}@${host}`,
    ...(timestamp === undefined ? [] : [`since ${timestamp}`]),
  ].join(" ");
}
