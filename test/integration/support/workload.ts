import { cpSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { expect } from "vitest";

import { clusterPaths } from "../../../infra/local/runtime/paths";
import { eventually } from "../../support/eventually";
import type { Checkout } from "./checkout";
import type { Finished } from "./project";

const NAMESPACE = "addons";

/** The program of fixtures/addons, as a stack of its own on the cluster of a checkout. */
export class StoreWorkload {
  /** What Pulumi has printed of it. */
  printed = "";
  private readonly folder: string;

  constructor(private readonly checkout: Checkout) {
    this.folder = join(checkout.folder, "..", "addons");
  }

  async create(settings: { image: string; password: string }): Promise<void> {
    cpSync(join(__dirname, "..", "fixtures", "addons"), this.folder, { recursive: true });
    symlinkSync(join(this.checkout.folder, "node_modules"), join(this.folder, "node_modules"));
    await this.done("stack", "init", "addons");
    const { kubeconfig } = clusterPaths(this.checkout.folder, this.checkout.cluster);
    await this.set({ kubeconfig, revision: "1", image: settings.image });
    await this.setPassword(settings.password);
    await this.up();
  }

  async set(values: Readonly<Record<string, string>>): Promise<void> {
    for (const [key, value] of Object.entries(values)) await this.done("config", "set", key, value);
  }

  async setPassword(password: string): Promise<void> {
    await this.done("config", "set", "--secret", "password", password);
  }

  /** Also brings back what somebody deleted. */
  async up(): Promise<void> {
    await this.done("up", "--yes", "--non-interactive", "--refresh");
  }

  kubectl(...args: string[]): Promise<Finished> {
    return this.checkout.kubectl("--namespace", NAMESPACE, ...args);
  }

  async get(path: string, ...what: string[]): Promise<string> {
    return (await this.kubectl("get", ...what, "--output", `jsonpath=${path}`)).stdout;
  }

  /** What a command in a replica's container prints. */
  async exec(replica: number, ...command: string[]): Promise<string> {
    const pod = `store-${String(replica)}`;
    const { code, all, stdout } = await this.kubectl("exec", pod, "--", "busybox", ...command);
    expect(code, all).toBe(0);
    return stdout;
  }

  /** Until both replicas are ready, and are others than before. */
  async ready(former: readonly string[] = []): Promise<string[]> {
    return eventually(async () => {
      const path =
        "{range .items[*]}{.metadata.uid} {.status.containerStatuses[0].ready}{'\\n'}{end}";
      const lines = (await this.get(path, "pods")).split("\n");
      const uids = lines.filter((line) => line.endsWith(" true")).map((line) => line.split(" ")[0]);
      const others = uids.filter(
        (uid): uid is string => uid !== undefined && !former.includes(uid),
      );
      return others.length === 2 && others;
    });
  }

  private async done(...args: string[]): Promise<Finished> {
    const finished = await this.checkout.run("pulumi", ["--cwd", this.folder, ...args]);
    this.printed += finished.all;
    expect(finished.code, finished.all).toBe(0);
    return finished;
  }
}
