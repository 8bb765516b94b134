import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import {
  CLEAN_ENVIRONMENT,
  type Command,
  endProcess,
  processesWhere,
  readJson,
  readText,
  startTime,
} from "./process";

/** A process of a cluster that runs until it is stopped on purpose. */
export interface Daemon {
  readonly name: string;
  readonly command: Command;
  /** Started by the supervisor, its standard input stays open as long as the supervisor lives. */
  readonly outlivesSupervisor?: true;
}

/** A daemon with its files. It is recorded as long as it should run: the supervisor goes by that. */
export interface Component extends Daemon {
  /** File that takes what it writes. */
  readonly log: string;
  /** File that holds pid and start time; the pid alone where there is an `executable`. */
  readonly pidFile: string;
  /** Tells the process where the pid file is kwokctl's, whose format has no start time. */
  readonly executable?: string;
}

export interface Folders {
  readonly logs: string;
  readonly pids: string;
  /** One file for each component that should run. */
  readonly components: string;
}

/** Starts a process that outlives this one, unless it already runs. Its output goes to its log. */
export function startDaemon(folders: Folders, daemon: Daemon): void {
  const component: Component = {
    ...daemon,
    log: join(folders.logs, `${daemon.name}.log`),
    pidFile: pidFile(folders, daemon.name),
  };
  recordComponent(folders, component);
  startComponent(component)?.stdin?.end();
}

/**
 * As {@link startDaemon}, but one that runs with another executable or other arguments is ended first.
 * @param outdated its configuration is another one than it has read
 * @returns whether one was ended
 */
export async function restartChanged(
  folders: Folders,
  daemon: Daemon,
  outdated = false,
): Promise<boolean> {
  const pid = daemonPid(folders, daemon.name);
  const running = (readText(`/proc/${String(pid)}/cmdline`) ?? "").split("\0").slice(0, -1);
  const { file, args } = daemon.command;
  // nsenter and its like turn into the command after their own arguments.
  const same = running.length > 0 && [file, ...args].join("\0").endsWith(running.join("\0"));
  const ended = pid !== undefined && (outdated || !same);
  if (ended) {
    await stopDaemon(folders, daemon.name);
  }
  startDaemon(folders, daemon);
  return ended;
}

/** The pid of a running daemon. A number that the kernel gave to another process does not count. */
export function daemonPid(folders: Pick<Folders, "pids">, name: string): number | undefined {
  return pidIn(pidFile(folders, name));
}

export async function stopDaemon(folders: Folders, name: string, graceMs = 10_000): Promise<void> {
  forgetComponent(folders, name);
  const pid = daemonPid(folders, name);
  if (pid !== undefined) {
    await endProcess(pid, graceMs);
  }
  rmSync(pidFile(folders, name), { force: true });
}

/** @returns the process, or undefined when it runs already or cannot be run */
export function startComponent(component: Component): ChildProcess | undefined {
  if (componentPid(component) !== undefined) {
    return undefined;
  }
  for (const file of [component.log, component.pidFile]) {
    mkdirSync(dirname(file), { recursive: true });
  }
  const unnoted = unnotedPid(component);
  if (unnoted !== undefined) {
    writePid(component, unnoted);
    return undefined;
  }
  const { command } = component;
  const log = openSync(component.log, "a", 0o600);
  const child = spawn(command.file, command.args, {
    detached: true,
    stdio: [component.outlivesSupervisor === true ? "pipe" : "ignore", log, log],
    cwd: command.cwd ?? "/",
    env: { ...CLEAN_ENVIRONMENT, ...command.env },
  });
  // A missing executable is reported here; the caller's wait for readiness tells the user.
  child.on("error", () => undefined);
  closeSync(log);
  child.unref();
  if (child.pid === undefined) {
    return undefined;
  }
  writePid(component, child.pid);
  return child;
}

function writePid({ pidFile: file, executable }: Component, pid: number): void {
  writeFileSync(file, executable === undefined ? identityOf(pid) : String(pid));
}

/**
 * A process with the very command of the component that no pid file tells of: who started it was
 * killed before it could note that. Only where the command names a file of the cluster.
 */
function unnotedPid({ command, pidFile: file }: Component): number | undefined {
  const stages = [[command.file, ...command.args]];
  for (let [argv] = stages; argv?.[0] === "nsenter"; argv = stages.at(-1)) {
    // nsenter, a namespace, and the command that it turns into.
    stages.push(argv.slice(2));
  }
  const folder = `${dirname(dirname(file))}/`;
  if (!stages.at(-1)?.some((arg) => arg.includes(folder))) {
    return undefined;
  }
  const lines = stages.map((argv) => argv.join("\0"));
  return processesWhere((args) => lines.includes(args.slice(0, -1).join("\0")))[0];
}

/** What a pid file of ours holds: with its start time a number names one process for good. */
export function identityOf(pid: number): string {
  return `${String(pid)} ${startTime(pid) ?? ""}`;
}

/** The pid of a running component. */
export function componentPid(component: Pick<Component, "pidFile" | "executable">) {
  return pidIn(component.pidFile, component.executable);
}

/**
 * The pid in a file, if its process still runs.
 * @param executable absolute path, where the file holds no start time
 */
export function pidIn(file: string, executable?: string): number | undefined {
  const [pidText, started] = (readText(file) ?? "").trim().split(" ");
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0) {
    return undefined;
  }
  const own =
    executable === undefined
      ? started !== undefined && startTime(pid) === started
      : (readText(`/proc/${String(pid)}/cmdline`) ?? "").startsWith(`${executable}\0`);
  return own ? pid : undefined;
}

/** Until the process runs its executable and no longer the program that leads it there. */
export async function waitForExecutable(component: Component, child: ChildProcess): Promise<void> {
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  for (let waited = 0; waited < 2_000 && running(); waited += 5) {
    if (componentPid(component) !== undefined) {
      return;
    }
    await sleep(5);
  }
}

export function recordComponent(folders: Pick<Folders, "components">, component: Component): void {
  mkdirSync(folders.components, { recursive: true });
  const file = recordFile(folders, component.name);
  writeFileSync(`${file}.new`, JSON.stringify(component));
  renameSync(`${file}.new`, file);
}

/** From now on it need not run. */
export function forgetComponent(folders: Pick<Folders, "components">, name: string): void {
  rmSync(recordFile(folders, name), { force: true });
}

/** The components that should run, by name. */
export function recordedComponents({ components }: Pick<Folders, "components">): Component[] {
  const files = listFiles(components).filter((it) => it.endsWith(".json"));
  return files.flatMap((file) => {
    const component = readJson(join(components, file)) as Component | undefined;
    return component === undefined ? [] : [component];
  });
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function recordFile({ components }: Pick<Folders, "components">, name: string): string {
  return join(components, `${name}.json`);
}

function pidFile({ pids }: Pick<Folders, "pids">, name: string): string {
  return join(pids, `${name}.pid`);
}
