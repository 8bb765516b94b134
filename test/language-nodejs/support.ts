import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  copyFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { resolveTools } from "../../toolchain/resolve";
import { bundle } from "../support/bundle";

const root = path.resolve(__dirname, "../..");

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly result: Promise<Result>;
  /** Output so far, both streams. */
  output(): string;
}

/** In the environment of everything a workbench starts, and of nothing else. */
/** In which nothing of a run that was killed is left, at the latest: on a quiet machine, in a third of it. */
export const GONE_MS = 30_000;

const MARKER = "DRYDOCK_TEST_MARKER";

/**
 * A machine of its own for the real Pulumi CLI: home, backend, passphrase and PATH, on which
 * `pulumi` and this project's language host lie beside each other and no official one is found.
 */
export class Workbench {
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  readonly #marker = randomUUID();

  private constructor(readonly directory: string) {
    this.program = path.join(directory, "program");
    this.env = {
      PATH: `${this.path("bin")}:${path.dirname(process.execPath)}:/usr/bin:/bin`,
      HOME: directory,
      TMPDIR: this.path("tmp"),
      PULUMI_HOME: this.path("home"),
      PULUMI_BACKEND_URL: `file://${this.path("state")}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      [MARKER]: this.#marker,
    };
  }

  static async create(): Promise<Workbench> {
    const bench = new Workbench(await mkdtemp(path.join(tmpdir(), "drydock-language-")));
    for (const folder of ["bin", "home", "program", "state", "tmp"]) {
      await mkdir(bench.path(folder));
    }
    const { pulumi } = Object.fromEntries(await resolveTools(["pulumi"]));
    // Not a symbolic link: the CLI looks for the host beside the file the link points at.
    const source = pulumi?.path ?? "pulumi";
    await link(source, bench.path("bin/pulumi")).catch(() =>
      copyFile(source, bench.path("bin/pulumi")),
    );
    await bundle("toolchain/language-nodejs/main.ts", bench.path("bin/pulumi-language-nodejs"));
    await symlink(path.join(root, "node_modules"), path.join(bench.program, "node_modules"));
    return bench;
  }

  path(...parts: string[]): string {
    return path.join(this.directory, ...parts);
  }

  /** Makes a provider of ours an installed plugin. @param source relative to the project */
  async installProvider(name: string, version: string, source: string): Promise<void> {
    const folder = this.path(`home/plugins/resource-${name}-v${version}`);
    await mkdir(folder, { recursive: true });
    await bundle(source, path.join(folder, `pulumi-resource-${name}`));
  }

  /** Writes files below the program's folder (or `folder`), and takes what was there before away. */
  async write(files: Readonly<Record<string, string>>, folder = this.program): Promise<void> {
    await mkdir(folder, { recursive: true });
    for (const entry of await readdir(folder)) {
      const kept = entry === "node_modules" || entry.startsWith("Pulumi.");
      if (!kept) await rm(path.join(folder, entry), { recursive: true });
    }
    for (const [name, text] of Object.entries(files)) {
      await writeFile(path.join(folder, name), text);
    }
  }

  /** Runs the CLI to its end. */
  async pulumi(...args: string[]): Promise<Result> {
    return this.start(...args).result;
  }

  start(...args: string[]): Running {
    const child = spawn("pulumi", [...args, "--non-interactive"], {
      cwd: this.program,
      env: this.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const text = { stdout: "", stderr: "" };
    child.stdout.on("data", (data: Buffer) => (text.stdout += data.toString()));
    child.stderr.on("data", (data: Buffer) => (text.stderr += data.toString()));
    const result = new Promise<Result>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, ...text }));
    });
    return { pid: child.pid ?? 0, result, output: () => text.stdout + text.stderr };
  }

  /** Command lines of every living process this workbench has started (Linux). */
  async processes(): Promise<string[]> {
    const found: string[] = [];
    for (const entry of await readdir("/proc")) {
      if (!/^\d+$/.test(entry)) continue;
      const read = (file: string) => readFile(`/proc/${entry}/${file}`, "utf8").catch(() => "");
      // A zombie has an empty environment: it is gone and waits only for its parent to look.
      if ((await read("environ")).includes(`${MARKER}=${this.#marker}`)) {
        found.push(`${entry} ${(await read("cmdline")).replaceAll("\0", " ")}`);
      }
    }
    return found;
  }

  /** Every file below the workbench that holds `text`, uncompressed. */
  async filesWith(text: string): Promise<string[]> {
    const entries = await readdir(this.directory, { recursive: true, withFileTypes: true });
    const found: string[] = [];
    for (const entry of entries) {
      const file = path.join(entry.parentPath, entry.name);
      if (
        entry.isFile() &&
        !file.startsWith(this.path("bin")) &&
        (await readFile(file)).includes(text)
      ) {
        found.push(path.relative(this.directory, file));
      }
    }
    return found;
  }

  /** Leaves nothing, also after a test that failed because something lived on. */
  async dispose(): Promise<void> {
    for (const line of await this.processes()) process.kill(Number.parseInt(line), "SIGKILL");
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** A TypeScript project that the SDK's ts-node loads with a type check. */
export function typescriptProject(
  source: string,
  runtimeOptions = "",
): Readonly<Record<string, string>> {
  return {
    "Pulumi.yaml": `name: demo\nruntime:\n  name: nodejs\n${runtimeOptions}`,
    "package.json": JSON.stringify({
      name: "demo",
      main: "index.ts",
      dependencies: { "@pulumi/pulumi": "3.270.0" },
    }),
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        target: "es2022",
        module: "nodenext",
        moduleResolution: "nodenext",
        strict: true,
        skipLibCheck: true,
        types: ["node"],
      },
    }),
    "index.ts": source,
  };
}

/** The same without TypeScript: it starts faster. */
export function javascriptProject(source: string): Readonly<Record<string, string>> {
  return {
    "Pulumi.yaml": "name: demo\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n",
    "package.json": JSON.stringify({
      name: "demo",
      main: "index.js",
      dependencies: { "@pulumi/pulumi": "3.270.0" },
    }),
    "index.js": `const pulumi = require("@pulumi/pulumi");\n${source}`,
  };
}
