import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { diskFull } from "./cache";
import { ToolError } from "./errors";
import type { Environment } from "./paths";

const KILL_AFTER_MS = 3_000;
const STDERR_LINES = 40;
/** What `nice` is given to run go at the lowest priority. */
const LOWEST = ["-n", "19", "go"];

export interface GoContext {
  readonly env: Environment;
  readonly signal?: AbortSignal | undefined;
  /** Takes the time of the processor that nothing else wants. Default false. */
  readonly background?: boolean | undefined;
}

export interface GoRun extends GoContext {
  /** What is made, for messages. */
  readonly title: string;
  /** Of the go.mod. */
  readonly folder: string;
  readonly cgo: boolean;
  /** Gets each line of standard error, where Go reports what it does. */
  readonly onLine: (line: string) => void;
}

/** Runs go in a process group of its own, which dies as a whole when the run is interrupted. */
export async function runGo(args: readonly string[], run: GoRun): Promise<string> {
  run.signal?.throwIfAborted();
  const background = run.background === true;
  const child = spawn(background ? "nice" : "go", [...(background ? LOWEST : []), ...args], {
    cwd: run.folder,
    env: goEnvironment(run.env, run.cgo),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const stop = () => killGroup(child.pid);
  run.signal?.addEventListener("abort", stop, { once: true });
  process.once("exit", stop);
  const recent: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    recent.push(line);
    if (recent.length > STDERR_LINES) recent.shift();
    run.onLine(line);
  });
  const output: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => output.push(text));
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject).on("close", resolve);
    });
    run.signal?.throwIfAborted();
    if (code !== 0) throw buildFailure(run, recent, code);
    return output.join("");
  } finally {
    run.signal?.removeEventListener("abort", stop);
    process.removeListener("exit", stop);
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  const send = (signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal);
    } catch {
      // The group is gone already.
    }
  };
  send("SIGTERM");
  setTimeout(send, KILL_AFTER_MS, "SIGKILL").unref();
}

/**
 * The user's Go settings hold (proxy, checksum database, caches), but for those that would change what
 * is built or break it: another target system, vendoring, a workspace, flags.
 */
function goEnvironment(env: Environment, cgo: boolean): NodeJS.ProcessEnv {
  const cleared = { GOOS: undefined, GOARCH: undefined, GOEXPERIMENT: undefined };
  return {
    ...env,
    ...cleared,
    GOFLAGS: "-mod=readonly",
    GOWORK: "off",
    GO111MODULE: "on",
    CGO_ENABLED: cgo ? "1" : "0",
    // Lets a Go of 1.21 or later fetch the exact release that go.mod names, from the module proxy.
    GOTOOLCHAIN: env.GOTOOLCHAIN ?? "auto",
  };
}

function buildFailure(run: GoRun, lines: readonly string[], code: number | null): ToolError {
  const text = lines.join("\n");
  if (/no space left on device/i.test(text)) {
    return diskFull(run.env.GOCACHE ?? "Go's build cache (go env GOCACHE) or the temp folder");
  }
  const telling = lines.filter(
    (line) => !/^(go: downloading|# |[\w.-]+(\/[\w.@~-]+)+$)/.test(line),
  );
  const offline = /dial tcp|no such host|proxyconnect|i\/o timeout|Bad Gateway|connection refused/i;
  return new ToolError({
    what: `${run.title}: go build failed (exit code ${code ?? "none"})`,
    where: run.folder,
    why: telling.slice(-6).join("\n       "),
    fix: offline.test(text)
      ? "check the way to the Go module proxy (go env GOPROXY), then run the same command again: it continues"
      : "run the same command again; what is compiled stays compiled",
  });
}
