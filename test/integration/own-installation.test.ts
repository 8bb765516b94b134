import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { KUBERNETES_PLUGIN_VERSION } from "../../toolchain/tools";
import { Checkout } from "./support/checkout";
import { filesBelow, hostState, untilGone } from "./support/host";
import { fetchPage, untilServed } from "./support/page";
import type { Finished } from "./support/project";
import { report } from "./support/report";

const CLUSTER = `own-${String(process.pid)}`;
const noRealNode = inject("noRealNode");
if (noRealNode.length > 0) {
  report("not checked, because nodes can only be simulated here: pulumi up without npm run env");
}

/**
 * The user's own Pulumi: CLI and language host on PATH, the Kubernetes plugin in ~/.pulumi, a backend and a
 * passphrase of the user's. The stand-ins lie where an official installation has its language host and plugin;
 * nothing of `npm run env` is set.
 */
describe.skipIf(noRealNode.length > 0)("npm ci && pulumi stack init dev && pulumi up", () => {
  let checkout: Checkout;
  let before: string[];
  let own: Record<string, string>;

  const pulumi = (...args: string[]): Promise<Finished> =>
    checkout.run("pulumi", [...args, "--non-interactive"], own);

  beforeAll(async () => {
    before = hostState();
    checkout = await Checkout.create(CLUSTER);
    await checkout.install();
    const [bin, plugin, state] = ["bin", pluginFolder(), "state"].map((name) => {
      const folder = join(checkout.home, name);
      mkdirSync(folder, { recursive: true });
      return folder;
    }) as [string, string, string];
    symlinkSync(join(inject("binaries"), "pulumi"), join(bin, "pulumi"));
    const name = "pulumi-resource-kubernetes";
    symlinkSync(join(checkout.folder, "dist", "plugins", "kubernetes", name), join(plugin, name));
    own = {
      PATH: `${bin}:${process.env.PATH ?? ""}`,
      // The CLI would take the home folder from the account.
      PULUMI_HOME: join(checkout.home, ".pulumi"),
      PULUMI_BACKEND_URL: `file://${state}`,
      PULUMI_CONFIG_PASSPHRASE: "a passphrase of the user's",
      // Where nothing can be downloaded, do not wait for it.
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    };
  });

  afterAll(async () => {
    await checkout.remove();
  });

  it("serves the page: the plugins find the tools by themselves", async () => {
    const made = await pulumi("stack", "init", "dev");
    expect(made.code, made.all).toBe(0);
    const up = await pulumi("up", "-s", "dev", "--yes");
    expect(up.code, up.all).toBe(0);
    const { stdout } = await pulumi("stack", "output", "nginxUrl", "-s", "dev");
    expect(stdout).toBe(checkout.url);
    await untilServed(checkout.url);
    expect((await fetchPage(checkout.url)).text).toContain("drydock");
  });

  it("has nothing to change afterwards, and keeps state where the user wants it", async () => {
    const preview = await pulumi("preview", "-s", "dev", "--expect-no-changes");
    expect(preview.code, preview.all).toBe(0);
    expect(existsSync(join(checkout.folder, ".drydock", "state"))).toBe(false);
    expect(existsSync(join(checkout.folder, ".drydock", "passphrase"))).toBe(false);
    const holding = (part: string) =>
      filesBelow(join(checkout.home, "state")).filter((file) =>
        readFileSync(file, "utf8").includes(part),
      );
    expect(holding("drydock:local:Cluster")).not.toEqual([]);
    expect(holding("client-key-data")).toEqual([]);
  });

  it("goes down by pulumi destroy, with all that the cluster had", async () => {
    const destroyed = await pulumi("destroy", "-s", "dev", "--yes");
    expect(destroyed.code, destroyed.all).toBe(0);
    await untilGone(checkout, before);
    const removed = await pulumi("stack", "rm", "dev", "--yes");
    expect(removed.code, removed.all).toBe(0);
  });
});

const pluginFolder = (): string =>
  join(".pulumi", "plugins", `resource-kubernetes-v${KUBERNETES_PLUGIN_VERSION}`);
