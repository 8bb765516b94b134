import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { diskFull, guardCache, installEntry, makeStage, readEntry, type Cache } from "./cache";
import { ToolError } from "./errors";
import type { Environment } from "./paths";
import { RECIPES } from "./tools";
import { type RecipeName, type Release } from "./release";
import { missingPackages, installCommand } from "./system";

const KILL_AFTER_MS = 3_000;
const STDERR_LINES = 40;

export interface BuildContext {
  readonly cache: Cache;
  /** Folder that holds the go.mod folders. */
  readonly goDirectory: string;
  readonly env: Environment;
  readonly signal?: AbortSignal | undefined;
  readonly onStatus: (text: string) => void;
}

/** The commands of one `go build` are linked from the same compiled packages, so a group compiles them once. */
export async function buildReleases(
  recipeName: RecipeName,
  releases: readonly Release[],
  context: BuildContext,
): Promise<void> {
  const recipe = RECIPES[recipeName];
  const stage = await makeStage(context.cache);
  try {
    await compile(recipeName, releases, stage, context);
    for (const release of releases) {
      const own = join(stage, `entry-${release.name}`);
      await guardCache(context.cache, async () => {
        await mkdir(own);
        for (const tool of release.tools) {
          await rename(join(stage, commandName(tool.package)), join(own, tool.name));
        }
      });
      const from = `go module toolchain/go/${recipe.module}`;
      await installEntry(context.cache, release, own, { source: "build", from });
    }
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** The releases that no other run has built in the meantime. */
export async function stillMissing(
  cache: Cache,
  releases: readonly Release[],
): Promise<readonly Release[]> {
  const entries = await Promise.all(releases.map((release) => readEntry(cache, release)));
  return releases.filter((_, index) => entries[index] === undefined);
}

async function compile(
  recipeName: RecipeName,
  releases: readonly Release[],
  output: string,
  context: BuildContext,
): Promise<void> {
  const { variables, tags, module } = RECIPES[recipeName];
  const packages = releases.flatMap(({ tools }) => tools.map((tool) => tool.package));
  const settings = Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`);
  const common = tags === undefined ? [] : ["-tags", tags];
  const go = (args: readonly string[], onLine: (line: string) => void) =>
    runGo(args, { ...context, recipeName, folder: join(context.goDirectory, module), onLine });

  let fetched = 0;
  context.onStatus("fetching modules");
  const list = await go(["list", "-deps", ...common, ...packages], (line) => {
    if (line.startsWith("go: downloading ")) {
      fetched += 1;
      context.onStatus(`fetching modules: ${fetched}, ${line.slice("go: downloading ".length)}`);
    }
  });
  const total = list.trimEnd().split("\n").length;

  let compiled = 0;
  context.onStatus(`compiling ${total} packages`);
  const flags = ["-v", "-trimpath", "-buildvcs=false", ...common];
  const linker = ["-s", "-w", ...settings].join(" ");
  await go(["build", ...flags, "-ldflags", linker, "-o", `${output}/`, ...packages], (line) => {
    compiled += 1;
    // Packages compiled by an earlier run are not printed: the count then ends below the total.
    context.onStatus(`compiling ${compiled} of ${total} packages, ${line.trim()}`);
  });
}

/** The name `go build -o FOLDER/` gives a command: the last part of its path, leaving out a major version. */
export function commandName(goPackage: string): string {
  const parts = goPackage.split("/");
  const last = parts.at(-1) ?? goPackage;
  return /^v\d+$/.test(last) ? (parts.at(-2) ?? last) : last;
}

interface GoRun extends BuildContext {
  readonly recipeName: RecipeName;
  readonly folder: string;
  /** Gets each line of standard error, where Go reports what it does. */
  readonly onLine: (line: string) => void;
}

/** Runs go in a process group of its own, which dies as a whole when the run is interrupted. */
async function runGo(args: readonly string[], run: GoRun): Promise<string> {
  run.signal?.throwIfAborted();
  const child = spawn("go", args, {
    cwd: run.folder,
    env: goEnvironment(run.env, RECIPES[run.recipeName].cgo === true),
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
    what: `${RECIPES[run.recipeName].title}: go build failed (exit code ${code ?? "none"})`,
    where: run.folder,
    why: telling.slice(-6).join("\n       "),
    fix: offline.test(text)
      ? "check the way to the Go module proxy (go env GOPROXY), then run the same command again: it continues"
      : "run the same command again; what is compiled stays compiled",
  });
}

const OLDEST_GO = [1, 21] as const;

/** @returns Go's version; rejects with the way to install it where it is missing or too old */
export async function requireGo(env: Environment): Promise<string> {
  const fix =
    "install Go 1.21 or later: https://go.dev/doc/install, or `sudo apt-get install -y golang-go` where that is 1.21 or later";
  const text = await promisify(execFile)("go", ["env", "GOVERSION"], {
    env: { ...env, GOTOOLCHAIN: "local" },
  })
    .then(({ stdout }) => stdout.trim())
    .catch(() => {
      throw new ToolError({ what: "Go is needed to build the tools, and is not on PATH", fix });
    });
  const [major = 0, minor = 0] = text
    .replace(/^go/, "")
    .split(".")
    .map((part) => parseInt(part, 10));
  if (major < OLDEST_GO[0] || (major === OLDEST_GO[0] && minor < OLDEST_GO[1])) {
    throw new ToolError({ what: `Go is needed to build the tools, and ${text} is too old`, fix });
  }
  return text.replace(/^go/, "");
}

/** Rejects, before the first build starts, when something is missing that one of the builds needs. */
export async function checkBuildRequirements(
  releases: readonly Release[],
  env: Environment,
): Promise<void> {
  await requireGo(env);
  if (!releases.some(({ recipe }) => RECIPES[recipe].cgo === true)) return;
  const missing = await missingPackages("build", env);
  if (missing.length === 0) return;
  throw new ToolError({
    what: `building runc needs ${missing.map(({ name }) => name).join(", ")}`,
    fix: await installCommand(missing, env),
  });
}
