import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { isAlive } from "../../toolchain/alive";
import { eventually } from "../support/eventually";
import { Checkout } from "./support/checkout";
import { kill9, PROCESSES_END_MS } from "./support/fault-project";
import { Faults } from "./support/faults";
import { hostState, simulateReboot, untilGone } from "./support/host";
import { untilServed, watchPage } from "./support/page";
import { processNamed, processTree } from "./support/project";
import { report } from "./support/report";

const CLUSTER = `ft-${String(process.pid)}`;
const faults = new Faults("cluster");
const noRealNode = inject("noRealNode");
if (noRealNode.length > 0) {
  report(`not checked, for nodes can only be simulated here: faults of the local cluster`);
}

describe.skipIf(noRealNode.length > 0)("the local cluster, with nginx on a real node", () => {
  let checkout: Checkout;
  let url: string;
  let host: string[];

  beforeAll(async () => {
    host = hostState();
    checkout = await Checkout.create(CLUSTER);
    ({ url } = checkout);
    await checkout.install();
    await checkout.loadEnvironment();
  });

  afterAll(async () => {
    await checkout.remove();
  });

  const command = (name: string, ...args: string[]) =>
    checkout.run("node", ["dist/cli.js", name, ...args]);

  const pending = () => {
    const file = join(checkout.folder, ".drydock/state/.pulumi/stacks/drydock/dev.json");
    return existsSync(file)
      ? (readFileSync(file, "utf8").split('"pending_operations"')[1] ?? "")
      : "";
  };

  /** Starts `npm start` and waits until it works on the cluster itself. */
  async function atTheCluster(operation: string) {
    const run = checkout.start("node", ["dist/cli.js", "start"]);
    await eventually(() => {
      if (!isAlive(run.pid)) throw new Error(`it ended too early: ${run.printed()}`);
      return pending().includes("drydock:local:Cluster") && pending().includes(`"${operation}"`);
    });
    const cli = processNamed(run.pid, "pulumi up");
    return { run, cli, processes: processTree(run.pid) };
  }

  async function expectOrder(processes: readonly number[]): Promise<void> {
    const exported = await checkout.pulumi("stack", "export");
    expect(exported.stdout).not.toContain("pending_operations");
    const preview = await checkout.pulumi("preview", "--refresh", "--expect-no-changes");
    expect(preview.code, preview.all).toBe(0);
    await untilServed(url);
    await eventually(() => processes.every((pid) => !isAlive(pid)), PROCESSES_END_MS);
  }

  it("whose plugin is killed while it is made", async () => {
    const fault = faults.begin("The drydock plugin was killed while it made the cluster");
    const { run, cli, processes } = await atTheCluster("creating");
    await eventually(() =>
      existsSync(join(checkout.folder, ".drydock/clusters", CLUSTER, "cluster.json")),
    );
    kill9(processNamed(cli, "pulumi-resource-drydock"));
    const failed = await run.finished;
    expect(failed.code).not.toBe(0);
    fault.sees(failed, "error reading from server: EOF");
    await fault.mends("npm start", () => command("start"), `${url} answers: HTTP 200`);
    await expectOrder(processes);
    fault.ends("What there is of the cluster is completed; nothing is begun anew.");
    await checkout.kubectl("create", "configmap", "kept", "--from-literal=key=value");
  });

  it("whose processes are all gone", async () => {
    const fault = faults.begin("The machine was rebooted");
    await simulateReboot(checkout.folder, CLUSTER);
    const drift = await command("drift");
    expect(drift.code).toBe(7);
    fault.sees(drift, "is not running whole", "drydock:local:Cluster cluster-local: not running");
    await fault.mends("npm run recover", () => command("recover"));
    await expectOrder([]);
    await expectKept();
    fault.ends("The cluster is revived with its data, and with the same pods.");
  });

  it("whose revival is killed", async () => {
    const fault = faults.begin("The CLI was killed while it revived the cluster");
    await simulateReboot(checkout.folder, CLUSTER);
    const { run, cli, processes } = await atTheCluster("updating");
    kill9(cli);
    await run.finished;
    fault.sees(
      await checkout.pulumi("up", "--yes", "--non-interactive"),
      "the stack is currently locked",
    );
    await fault.mends(
      "npm run recover",
      () => command("recover"),
      "its lock on the stack dev is released",
      "The last run did not end: updating Cluster cluster-local.",
    );
    await expectOrder(processes);
    await expectKept();
    fault.ends("Reviving is safe to repeat from any point.");
  });

  it("on which a rollout is killed", async () => {
    const fault = faults.begin("The CLI was killed while nginx rolled out");
    checkout.configure((config) => {
      Object.assign(config["drydock:apps"].nginx, { image: "localhost/drydock/nginx:none" });
    });
    const { failed, answered } = await watchPage(url, async () => {
      const run = checkout.start("pulumi", ["up", "--yes", "--non-interactive", "--stack", "dev"]);
      await eventually(() => {
        if (!isAlive(run.pid)) throw new Error(`it ended too early: ${run.printed()}`);
        return /ErrImage|ImagePull/.test(run.printed());
      });
      const processes = kill9(run.pid);
      const locked = await checkout.pulumi("up", "--yes", "--non-interactive");
      fault.sees(locked, "the stack is currently locked");
      checkout.configure((config) => {
        delete config["drydock:apps"].nginx.image;
      });
      await fault.mends("npm run recover", () => command("recover"));
      await expectOrder(processes);
    });
    expect(failed).toEqual([]);
    report(`requests answered meanwhile: ${String(answered)}, 0 failed`);
    fault.ends("The old pods serve all the time: no request failed.");
  });

  it("goes down after all of it, and leaves nothing", async () => {
    const down = await command("down");
    expect(down.code, down.all).toBe(0);
    await untilGone(checkout, host);
  });

  it("is told in docs/faults.md as it was seen", () => {
    faults.expectPage();
  });

  async function expectKept(): Promise<void> {
    const data = ["-o", "jsonpath={.data.key}"];
    expect((await checkout.kubectl("get", "configmap", "kept", ...data)).stdout).toBe("value");
  }
});
