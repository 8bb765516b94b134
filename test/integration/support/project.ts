import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname } from "node:path";

import { defaultCacheDirectory } from "../../../toolchain/paths";

/** For what hangs: less than a test may take. */
const LONGEST_MS = 8 * 60_000;

type Variables = Readonly<Record<string, string>>;

export interface Finished {
  readonly code: number;
  /** Standard output and error, as a person would see them. */
  readonly all: string;
  readonly stdout: string;
}

/** A command that still runs. */
export interface Running {
  readonly pid: number;
  /** What it has printed so far. */
  readonly printed: () => string;
  readonly finished: Promise<Finished>;
}

/** A project's folder with a home of its own, as on a new machine; only the tool cache is shared. */
export class ProjectFolder {
  /** Everything that any command printed. */
  printed = "";
  private variables: Record<string, string> = {};

  protected constructor(
    readonly folder: string,
    readonly home: string,
  ) {}

  /** A command in the project, without a terminal. */
  run(file: string, args: readonly string[], env: Variables = {}): Promise<Finished> {
    return this.start(file, args, env).finished;
  }

  /** The same, in the background; its standard input stays open until it ends. */
  start(file: string, args: readonly string[], env: Variables = {}): Running {
    const child = spawn(file, args, {
      cwd: this.folder,
      env: { ...this.environment(), ...this.variables, ...env },
      timeout: LONGEST_MS,
    });
    const [stdout, all] = [[] as string[], [] as string[]];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout.push(text);
      all.push(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => all.push(text));
    const finished = new Promise<Finished>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        this.printed += `${all.join("")}\n`;
        resolve({
          code: code ?? -1,
          all: all.join("").trimEnd(),
          stdout: stdout.join("").trimEnd(),
        });
      });
    });
    return { pid: child.pid ?? 0, printed: () => all.join(""), finished };
  }

  npm(...args: string[]): Promise<Finished> {
    return this.run("npm", args);
  }

  pulumi(...args: string[]): Promise<Finished> {
    return this.run("pulumi", [...args, "--stack", "dev"]);
  }

  kubectl(...args: string[]): Promise<Finished> {
    return this.run("kubectl", args);
  }

  /** What `eval "$(npm run -s env)"` does to a shell. */
  async loadEnvironment(): Promise<void> {
    const { stdout } = await this.run("npm", ["run", "-s", "env"]);
    const printed = await this.run("bash", ["-c", `${stdout}\nenv -0`]);
    const entries = printed.stdout.split("\0").map((line) => line.split(/=(.*)/s));
    const wanted = /^(PATH|KUBECONFIG|DRYDOCK_|PULUMI_)/;
    this.variables = Object.fromEntries(
      entries
        .filter(([name = ""]) => wanted.test(name))
        .map(([name = "", value = ""]) => [name, value]),
    );
  }

  /** What a user sees who has put a folder in front of the PATH. */
  async withPath<T>(folder: string, work: () => Promise<T>): Promise<T> {
    const before = this.variables;
    this.variables = { ...before, PATH: `${folder}:${before.PATH ?? ""}` };
    try {
      return await work();
    } finally {
      this.variables = before;
    }
  }

  protected environment(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? "",
      HOME: this.home,
      XDG_CACHE_HOME: dirname(defaultCacheDirectory()),
      // Packages come from the user's npm cache where they can.
      npm_config_cache: process.env.npm_config_cache ?? `${homedir()}/.npm`,
      npm_config_prefer_offline: "true",
    };
  }
}

/** A process and all that it started, as far as they live. */
export function processTree(root: number): number[] {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), parentOf(Number(name))] as const);
  const tree = [root];
  for (const pid of tree) {
    tree.push(...parents.filter(([, parent]) => parent === pid).map(([child]) => child));
  }
  return tree;
}

/** The one process in the tree below `root` whose command line has `text`. */
export function processNamed(root: number, text: string): number {
  const found = processTree(root).filter((pid) => commandOf(pid).includes(text));
  if (found[0] === undefined) throw new Error(`no ${text} below process ${String(root)}`);
  return found[0];
}

function commandOf(pid: number): string {
  return readProc(pid, "cmdline").replaceAll("\0", " ");
}

/** 0 where the process is gone by now. */
export function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readProc(pid, "status"))?.[1] ?? 0);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${String(pid)}/${file}`, "utf8");
  } catch {
    return "";
  }
}
