import { spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";

import { requiredTools } from "../../../infra/local/runtime/plan";
import type { RunningProvider } from "../../../toolchain/plugin/serve";
import { resolveTools } from "../../../toolchain/resolve";
import { TestEngine } from "../../kubernetes/support/engine";
import { bundle } from "../../support/bundle";
import { root } from "../../../review/recording/stack-file";

/** Put where no log, file or process of a cluster may show it. */
export const CANARY = "canary-passphrase-4711";

/** A folder like a checkout with built bundles, and a cache with the tools of simulated nodes. */
export class Project {
  private constructor(
    readonly folder: string,
    private readonly cache: string,
  ) {}

  /** @param owner uid that the folder and the cache belong to; default: the caller's */
  static async create(owner?: number): Promise<Project> {
    const base = realpathSync(mkdtempSync(join(tmpdir(), "drydock-local-")));
    chmodSync(base, 0o755);
    const project = new Project(join(base, "drydock"), join(base, "cache"));
    mkdirSync(project.folder);
    writeFileSync(join(project.folder, "package.json"), JSON.stringify({ name: "drydock" }));
    cpSync(join(root, "toolchain", "go"), join(project.folder, "toolchain", "go"), {
      recursive: true,
    });
    await bundle("infra/plugin/main.ts", project.plugin);
    await bundle("infra/local/agent/main.ts", join(project.folder, "dist", "local", "agent.js"));
    await linkCache(join(project.cache, "drydock"));
    if (owner !== undefined) {
      give(base, owner);
    }
    return project;
  }

  get clusters(): string {
    return join(this.folder, ".drydock", "clusters");
  }

  /**
   * Starts the plugin as the engine does.
   * @param wrapper a command that runs the command after it, such as setpriv
   */
  engine(wrapper: readonly string[] = []): Promise<TestEngine> {
    return TestEngine.start((address) => this.launch(address, wrapper));
  }

  remove(): void {
    rmSync(dirname(this.folder), { recursive: true, force: true });
  }

  private get plugin(): string {
    return join(this.folder, "dist", "plugins", "drydock", "plugin.js");
  }

  private async launch(address: string, wrapper: readonly string[]): Promise<RunningProvider> {
    const command = [...wrapper, process.execPath, this.plugin, address];
    const [file = "", ...args] = command;
    const child = spawn(file, args, {
      cwd: this.folder,
      stdio: ["pipe", "pipe", "inherit"],
      env: {
        PATH: process.env.PATH ?? "",
        HOME: dirname(this.folder),
        XDG_CACHE_HOME: this.cache,
        PULUMI_CONFIG_PASSPHRASE: CANARY,
      },
    });
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const port = await new Promise<number>((resolve, reject) => {
      createInterface({ input: child.stdout }).once("line", (line) => resolve(Number(line)));
      child.once("error", reject);
      void ended.then(() => reject(new Error("the plugin ended")));
    });
    const stop = async (): Promise<void> => {
      child.stdin.end();
      await ended;
    };
    return { port, stop };
  }
}

/** The user's cache may lie where another user cannot read it: its entries are linked, not copied. */
async function linkCache(directory: string): Promise<void> {
  const names = requiredTools({ realNode: false, simulatedNodes: 1 });
  const tools = [...(await resolveTools(names)).values()].filter(({ source }) => source !== "PATH");
  // One entry may hold several tools.
  for (const entry of new Set(tools.map(({ path }) => dirname(path)))) {
    const target = join(directory, "tools", basename(entry));
    mkdirSync(target, { recursive: true });
    for (const file of readdirSync(entry)) {
      link(join(entry, file), join(target, file));
    }
  }
}

function link(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // Another file system.
    cpSync(from, to);
  }
}

/** Gives the folders away; files stay, since a link shares its owner with the cache. */
function give(folder: string, owner: number): void {
  chownSync(folder, owner, owner);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      give(join(folder, entry.name), owner);
    }
  }
}

/** Environment of a process, one variable a line. */
export function environmentOf(pid: number): string {
  return readFileSync(`/proc/${String(pid)}/environ`, "utf8").replaceAll("\0", "\n");
}
