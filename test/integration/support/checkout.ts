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
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { execa } from "execa";
import { parse, stringify } from "yaml";

import { deleteCluster } from "../../../infra/local/runtime/delete";
import { freePort } from "../../../infra/local/runtime/ports";
import { type Finished, ProjectFolder } from "./project";

const ROOT = join(__dirname, "..", "..", "..");

/** A fresh checkout of the project. */
export class Checkout extends ProjectFolder {
  private constructor(
    folder: string,
    home: string,
    readonly cluster: string,
    /** Port at which nginx is to answer. */
    readonly port: number,
  ) {
    super(folder, home);
  }

  /**
   * @param cluster the cluster's name: unique on this machine
   * @param change what else its stack sets, beside the name and a free port for nginx
   */
  static async create(cluster: string, change?: (config: StackConfig) => void): Promise<Checkout> {
    const base = realpathSync(mkdtempSync(join(tmpdir(), "drydock-it-")));
    const folders = [join(base, "drydock"), join(base, "home")] as const;
    const checkout = new Checkout(...folders, cluster, await freePort());
    mkdirSync(checkout.home);
    const list = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    const { stdout } = await execa("git", list, { cwd: ROOT });
    for (const file of stdout.split("\0").filter(Boolean)) {
      mkdirSync(dirname(join(checkout.folder, file)), { recursive: true });
      cpSync(join(ROOT, file), join(checkout.folder, file), { force: true });
    }
    chmodSync(checkout.folder, 0o755);
    checkout.configure((config) => {
      config["drydock:cluster"].name = cluster;
      config["drydock:apps"].nginx.port = checkout.port;
      change?.(config);
    });
    return checkout;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  /**
   * `npm start`, and its environment for all that follows.
   * @throws with all that was printed, where it fails
   */
  async bringUp(): Promise<Finished> {
    const started = await this.npm("start");
    if (started.code !== 0) {
      throw new Error(started.all);
    }
    await this.loadEnvironment();
    return started;
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

  /** Whatever state the tests left: no process, mount, namespace or file stays. */
  async remove(): Promise<void> {
    await deleteCluster(this.folder, this.cluster);
    rmSync(dirname(this.folder), { recursive: true, force: true });
  }
}

export interface StackConfig {
  "drydock:cluster": {
    kind: "local";
    name: string;
    kubernetesVersion?: string;
    nodes?: {
      real?: string;
      simulated?: number;
      autoscaling?: { kind: string; [key: string]: unknown };
    };
    loadBalancerAddress?: string;
    ingress?: { port: number };
  };
  "drydock:apps": {
    nginx: Record<string, unknown>;
    uploader?: Record<string, unknown>;
  };
}
