import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { execa, type Options } from "execa";
import { parse, stringify } from "yaml";

import { defaultCacheDirectory } from "../../../toolchain/paths";
import { deleteCluster } from "../../../infra/local/runtime/delete";

const ROOT = join(__dirname, "..", "..", "..");

export interface Finished {
  readonly code: number;
  /** Standard output and error, as a person would see them. */
  readonly all: string;
  readonly stdout: string;
}

/** A fresh checkout with a home of its own, as on a new machine; only the tool cache is linked in. */
export class Checkout {
  /** Everything that any command printed. */
  printed = "";
  private variables: Record<string, string> = {};

  private constructor(
    readonly folder: string,
    readonly home: string,
    readonly cluster: string,
  ) {}

  /** @param cluster the cluster's name: unique on this machine */
  static async create(cluster: string): Promise<Checkout> {
    const base = realpathSync(mkdtempSync(join(tmpdir(), "drydock-it-")));
    const checkout = new Checkout(join(base, "drydock"), join(base, "home"), cluster);
    mkdirSync(checkout.home);
    const list = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    const { stdout } = await execa("git", list, { cwd: ROOT });
    for (const file of stdout.split("\0").filter(Boolean)) {
      mkdirSync(dirname(join(checkout.folder, file)), { recursive: true });
      cpSync(join(ROOT, file), join(checkout.folder, file), { force: true });
    }
    chmodSync(checkout.folder, 0o755);
    return checkout;
  }

  /** In place of `npm ci`, which takes long: the packages of this project, and a build of its own. */
  async install(): Promise<void> {
    symlinkSync(join(ROOT, "node_modules"), join(this.folder, "node_modules"));
    const built = await this.run(process.execPath, ["scripts/build.mjs"]);
    if (built.code !== 0) {
      throw new Error(built.all);
    }
  }

  /** Changes the stack's configuration as a user does: in Pulumi.dev.yaml. */
  configure(change: (config: StackConfig) => void): void {
    const file = join(this.folder, "Pulumi.dev.yaml");
    const stack = parse(readFileSync(file, "utf8")) as { config: StackConfig };
    change(stack.config);
    writeFileSync(file, stringify(stack));
  }

  /** A command in the checkout, without a terminal. */
  async run(file: string, args: readonly string[], options: Options = {}): Promise<Finished> {
    const result = await execa(file, args, {
      cwd: this.folder,
      env: { ...this.environment(), ...this.variables },
      extendEnv: false,
      stdin: "ignore",
      all: true,
      reject: false,
      timeout: 5 * 60_000,
      ...options,
    });
    const all = typeof result.all === "string" ? result.all : "";
    const stdout = typeof result.stdout === "string" ? result.stdout : "";
    this.printed += `${all}\n`;
    return { code: result.exitCode ?? -1, all, stdout };
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

  /** Whatever state the tests left: no process, mount, namespace or file stays. */
  async remove(): Promise<void> {
    await deleteCluster(this.folder, this.cluster);
    rmSync(dirname(this.folder), { recursive: true, force: true });
  }

  private environment(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? "",
      HOME: this.home,
      XDG_CACHE_HOME: dirname(defaultCacheDirectory()),
      // Packages come from the user's npm cache where they can.
      npm_config_cache: process.env.npm_config_cache ?? join(homedir(), ".npm"),
      npm_config_prefer_offline: "true",
    };
  }
}

export interface StackConfig {
  "drydock:cluster": {
    kind: "local";
    name: string;
    nodes?: { real?: string; simulated?: number };
    loadBalancerAddress?: string;
  };
  "drydock:apps": { nginx: Record<string, unknown> };
}
