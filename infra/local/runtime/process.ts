import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { execa } from "execa";

import { LocalClusterError } from "./errors";
import type { NetworkRecord } from "./spec";

/** Where the system's programs are; the PATH of a user may lack the sbin folders. */
export const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Nothing of the caller's environment (a passphrase, say) is handed to a cluster's processes. */
export const CLEAN_ENVIRONMENT = {
  PATH: SYSTEM_PATH,
  HOME: "/",
  // Go gives memory back sooner, at some CPU time.
  GOGC: "30",
};

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the root folder. */
  readonly cwd?: string;
  /** Files of the namespaces that it enters: without them it cannot run. */
  readonly namespaces?: readonly string[];
  /** Its standard input, for {@link run}. Default: none. */
  readonly input?: string;
}

/** The same command, run inside the cluster's network namespace (without a remount of /sys). */
export function inNetwork(network: NetworkRecord, command: Command): Command {
  if (network.kind === "loopback") {
    return command;
  }
  return inNamespace(command, "net", namespaceFile(network.namespace));
}

/** Where `ip netns` keeps a namespace of this name. */
export function namespaceFile(namespace: string): string {
  return `/run/netns/${namespace}`;
}

/** The same command, run in the namespace that a file holds. */
export function inNamespace(command: Command, kind: "net" | "mount", file: string): Command {
  return {
    ...command,
    file: "nsenter",
    args: [`--${kind}=${file}`, command.file, ...command.args],
    namespaces: [...(command.namespaces ?? []), file],
  };
}

/** Runs to the end and gives its standard output. `what` names the step in the error. */
export async function run(what: string, command: Command, signal?: AbortSignal): Promise<string> {
  const result = await execa(command.file, command.args, {
    env: { ...CLEAN_ENVIRONMENT, ...command.env },
    extendEnv: false,
    ...(command.input === undefined ? { stdin: "ignore" } : { input: command.input }),
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
export function processesWhere(
  matches: (args: readonly string[], pid: number) => boolean,
): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid > 0 && pid !== process.pid)
    .filter((pid) => matches((readText(`/proc/${String(pid)}/cmdline`) ?? "").split("\0"), pid));
}

/** When the process started, in ms since the epoch. */
export function startedAt(pid: number): number | undefined {
  const ticks = startTime(pid);
  const uptime = Number.parseFloat(readText("/proc/uptime") ?? "");
  // The kernel shows its times in hundredths of a second on every architecture.
  return ticks === undefined ? undefined : Date.now() - uptime * 1000 + Number(ticks) * 10;
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

/** What a file holds as JSON; undefined also where a crash of the machine left it empty or broken. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
