import { spawn } from "node:child_process";
import {
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { execa } from "execa";

import { LocalClusterError } from "./errors";
import type { NetworkRecord } from "./spec";

/** Where the system's programs are; the PATH of a user may lack the sbin folders. */
export const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Nothing of the caller's environment (a passphrase, say) is handed to a cluster's processes. */
const CLEAN_ENVIRONMENT = {
  PATH: SYSTEM_PATH,
  HOME: "/",
  // Go gives memory back sooner: a third less for the API server, at some CPU time.
  GOGC: "50",
};

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The same command, run inside the cluster's network namespace (without a remount of /sys). */
export function inNetwork(network: NetworkRecord, command: Command): Command {
  if (network.kind === "loopback") {
    return command;
  }
  const args = [`--net=/run/netns/${network.namespace}`, command.file, ...command.args];
  return { ...command, file: "nsenter", args };
}

/** Runs to the end and gives its standard output. `what` names the step in the error. */
export async function run(what: string, command: Command, signal?: AbortSignal): Promise<string> {
  const result = await execa(command.file, command.args, {
    env: { ...CLEAN_ENVIRONMENT, ...command.env },
    extendEnv: false,
    stdin: "ignore",
    reject: false,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  if (result.exitCode === 0) {
    return result.stdout;
  }
  signal?.throwIfAborted();
  const output = `${result.stdout}\n${result.stderr}`.trim().split("\n").slice(-3);
  const said = output.map(plainLine).filter(Boolean).join("; ");
  const why = said === "" ? (result.shortMessage ?? "it ended without a word") : said;
  throw new LocalClusterError(`${what} failed (${basename(command.file)})`, { why });
}

/** kwokctl writes its log as JSON: message and cause are what a person wants of it. */
function plainLine(line: string): string {
  if (!line.startsWith("{")) {
    return line.trim();
  }
  try {
    const { msg = "", err } = JSON.parse(line) as { msg?: string; err?: string };
    return err ?? msg;
  } catch {
    return line;
  }
}

export interface Daemon {
  readonly name: string;
  readonly command: Command;
}

export interface Folders {
  readonly logs: string;
  readonly pids: string;
}

/** Starts a process that outlives this one, unless it already runs. Its output goes to its log. */
export function startDaemon(folders: Folders, daemon: Daemon): void {
  if (daemonPid(folders, daemon.name) !== undefined) {
    return;
  }
  mkdirSync(folders.logs, { recursive: true });
  mkdirSync(folders.pids, { recursive: true });
  const log = openSync(join(folders.logs, `${daemon.name}.log`), "a", 0o600);
  const child = spawn(daemon.command.file, daemon.command.args, {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: "/",
    env: { ...CLEAN_ENVIRONMENT, ...daemon.command.env },
  });
  // A missing executable is reported here; the caller's wait for readiness tells the user.
  child.on("error", () => undefined);
  closeSync(log);
  child.unref();
  if (child.pid !== undefined) {
    const identity = `${String(child.pid)} ${startTime(child.pid) ?? ""}`;
    writeFileSync(join(folders.pids, `${daemon.name}.pid`), identity);
  }
}

/** The pid of a running daemon. A number that the kernel gave to another process does not count. */
export function daemonPid(folders: Pick<Folders, "pids">, name: string): number | undefined {
  const [pidText, started] = (readText(join(folders.pids, `${name}.pid`)) ?? "").trim().split(" ");
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0 || started === undefined) {
    return undefined;
  }
  return startTime(pid) === started ? pid : undefined;
}

export async function stopDaemon(folders: Folders, name: string, graceMs = 10_000): Promise<void> {
  const pid = daemonPid(folders, name);
  if (pid !== undefined) {
    await endProcess(pid, graceMs);
  }
  rmSync(join(folders.pids, `${name}.pid`), { force: true });
}

/** TERM, and KILL for a process that is still there after the grace period. */
export async function endProcess(pid: number, graceMs: number): Promise<void> {
  const started = startTime(pid);
  const gone = (): boolean => started === undefined || startTime(pid) !== started;
  kill(pid, "SIGTERM");
  for (let waited = 0; waited < graceMs && !gone(); waited += 50) {
    await sleep(50);
  }
  if (!gone()) {
    kill(pid, "SIGKILL");
    for (let waited = 0; waited < 5_000 && !gone(); waited += 20) {
      await sleep(20);
    }
  }
}

/** Pids of processes whose arguments (the executable first) fulfil `matches`; not this process. */
export function processesWhere(matches: (args: readonly string[]) => boolean): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid > 0 && pid !== process.pid)
    .filter((pid) => matches((readText(`/proc/${String(pid)}/cmdline`) ?? "").split("\0")));
}

/** Start time in clock ticks since boot; with the pid it names a process for good. */
export function startTime(pid: number): string | undefined {
  const stat = readText(`/proc/${String(pid)}/stat`);
  // The command's name, in parentheses, may hold blanks: count the fields after it.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields === undefined || fields[0] === "Z" ? undefined : fields[19];
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
