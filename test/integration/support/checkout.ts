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
import { ProjectFolder } from "./project";

const ROOT = join(__dirname, "..", "..", "..");

/** A fresh checkout of the project. */
export class Checkout extends ProjectFolder {
  private constructor(
    folder: string,
    home: string,
    readonly cluster: string,
  ) {
    super(folder, home);
  }

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
    nodes?: { real?: string; simulated?: number };
    loadBalancerAddress?: string;
  };
  "drydock:apps": {
    nginx: Record<string, unknown>;
    uploader?: Record<string, unknown>;
  };
}
