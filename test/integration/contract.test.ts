import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { stringify } from "yaml";

import { Forwarder } from "../../infra/local/agent/forwarder";
import { detect } from "../../infra/existing/detect";
import { localCapabilities } from "../../infra/local/capabilities";
import { clusterPaths } from "../../infra/local/runtime/paths";
import { freePort } from "../../infra/local/runtime/ports";
import { readRecord } from "../../infra/local/runtime/record";
import { Checkout } from "./support/checkout";
import { fetchPage, untilServed } from "./support/page";
import type { Finished } from "./support/project";
import { report } from "./support/report";

const CLUSTER = `contract-${String(process.pid)}`;
const noRealNode = inject("noRealNode");
if (noRealNode.length > 0) {
  report(`not checked, because nodes can only be simulated here: the contract on real clusters`);
}

interface Outputs {
  readonly nginxUrl: string;
  readonly clusterName: string;
  readonly kubeconfig: string;
  readonly servesTraffic: boolean;
}

/** One stack of the same program for each kind; the existing cluster is the one that the local stack made. */
describe.skipIf(noRealNode.length > 0)("the contract of a cluster, on real ones", () => {
  let checkout: Checkout;
  let uid: string;
  let preview: Finished;
  const outputs = new Map<string, Outputs>();
  const stop: (() => Promise<void> | void)[] = [];
  const kinds = [
    {
      stack: "dev",
      namespace: "web",
      name: CLUSTER,
      image: /^registry\.drydock\.local\/drydock\/\w+@sha256:/,
    },
    {
      stack: "existing",
      namespace: "site",
      name: `drydock-${CLUSTER}`,
      image: /^127\.0\.0\.1:\d+\/drydock\/\w+@sha256:/,
    },
  ];

  const pulumi = (stack: string, ...args: string[]) =>
    checkout.run("pulumi", [...args, "--stack", stack]);

  async function readOutputs(stack: string): Promise<void> {
    const { stdout } = await pulumi(stack, "stack", "output", "--json", "--show-secrets");
    outputs.set(stack, JSON.parse(stdout) as Outputs);
  }

  function writeStack(cluster: object, port: number): void {
    const config = {
      "pulumi:disable-default-providers": ["kubernetes"],
      "drydock:cluster": { kind: "existing", ...cluster },
      "drydock:platform": { namespaces: { site: {} } },
      "drydock:apps": {
        nginx: { namespace: "site", port },
        renderer: { namespace: "site" },
        uploader: { namespace: "site" },
      },
    };
    writeFileSync(join(checkout.folder, "Pulumi.existing.yaml"), stringify({ config }));
  }

  const kubeconfig = () => clusterPaths(checkout.folder, CLUSTER).kubeconfig;

  beforeAll(async () => {
    checkout = await Checkout.create(CLUSTER);
    await checkout.install();
    await checkout.bringUp();
    await readOutputs("dev");
    ({ uid } = await detect({ kubeconfig: kubeconfig() }, new AbortController().signal));
    writeStack({ kubeconfig: kubeconfig(), registry: await startRegistry() }, await freePort());
    await checkout.run("pulumi", ["stack", "init", "existing"]);
    preview = await pulumi("existing", "preview", "--non-interactive");
    const up = await pulumi("existing", "up", "--yes", "--non-interactive");
    expect(up.code, up.all).toBe(0);
    await readOutputs("existing");
  });

  afterAll(async () => {
    for (const end of stop.reverse()) await end();
    await checkout.remove();
  });

  /** In the cluster's network namespace, where its nodes are; a forwarder makes it ours by the same name. */
  async function startRegistry(): Promise<string> {
    const record = readRecord(clusterPaths(checkout.folder, CLUSTER));
    if (record?.network.kind !== "namespace") throw new Error("the cluster has no namespace");
    const port = await freePort();
    const crane = join(inject("binaries"), "crane");
    const serve = [crane, "registry", "serve", "--address", `:${String(port)}`];
    const inside = `--net=/run/netns/${record.network.namespace}`;
    const registry = spawn("nsenter", [inside, ...serve], { stdio: "ignore" });
    stop.push(async () => {
      registry.kill();
      if (registry.exitCode === null && registry.signalCode === null) await once(registry, "exit");
    });
    const { address } = record.network;
    const forwarder = await Forwarder.listen("127.0.0.1", port, { address, port });
    stop.push(() => forwarder.close());
    await untilServed(`http://127.0.0.1:${String(port)}/v2/`);
    return `127.0.0.1:${String(port)}`;
  }

  describe.each(kinds)("$stack", ({ stack, namespace, name, image }) => {
    const of = () => outputs.get(stack) ?? ({} as Outputs);

    it("names its cluster, and serves traffic", () => {
      expect(of()).toMatchObject({ clusterName: name, servesTraffic: true });
    });

    it("gives a kubeconfig that works, and keeps it secret in the state", async () => {
      const file = join(checkout.home, `${stack}.kubeconfig`);
      writeFileSync(file, of().kubeconfig, { mode: 0o600 });
      const answer = await checkout.kubectl("--kubeconfig", file, "get", "--raw", "/version");
      expect(JSON.parse(answer.stdout)).toMatchObject({ major: "1" });
      const state = await pulumi(stack, "stack", "export");
      const [certificate = ""] = /[A-Za-z0-9+/=]{200,}/.exec(of().kubeconfig) ?? [];
      expect(certificate.length).toBeGreaterThan(200);
      expect(state.stdout).not.toContain(certificate);
    });

    it("gives images that its nodes run, by digest", async () => {
      const path =
        "jsonpath={range .items[*]}{.spec.containers[0].image} {.status.phase}{'\\n'}{end}";
      const pods = await checkout.kubectl(
        "get",
        "pods",
        "--namespace",
        namespace,
        "--output",
        path,
      );
      const lines = pods.stdout.trim().split("\n");
      // nginx x3, renderer x2, uploader.
      expect(lines).toHaveLength(6);
      for (const line of lines) {
        expect(line).toMatch(image);
        expect(line).toMatch(/ Running$/);
      }
    });

    it("answers at its load balancer, as its capabilities say", async () => {
      const url = of().nginxUrl;
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      await untilServed(url);
    });

    it("has nothing to change once it is up", async () => {
      const again = await pulumi(stack, "preview", "--expect-no-changes", "--non-interactive");
      expect(again.code, again.all).toBe(0);
    });
  });

  it("says of itself what anybody can find out", async () => {
    const found = await detect({ kubeconfig: kubeconfig() }, new AbortController().signal);
    report(found.summary);
    expect(found.capabilities).toEqual(localCapabilities({ engine: "native", realNode: true }));
    expect(found.servesTraffic).toBe(true);
  });

  it("tells once, in plain words, which cluster it is and what it found", () => {
    expect(preview.code, preview.all).toBe(0);
    // The CLI itself shows a message where it comes, and again at the end.
    const [, diagnostics = ""] = preview.all.split("Diagnostics:");
    expect(diagnostics.split("Uses the cluster of")).toHaveLength(2);
    expect(preview.all).toContain(`context drydock-${CLUSTER}`);
    expect(preview.all).toContain("load balancer: yes (the agent of drydock's local cluster)");
  });

  it("refuses a context that is not there in one error, without a stack", async () => {
    const before = readFileSync(join(checkout.folder, "Pulumi.existing.yaml"), "utf8");
    writeFileSync(
      join(checkout.folder, "Pulumi.existing.yaml"),
      before.replace("kind: existing", `kind: existing\n    context: drydock-${CLUSTER}x`),
    );
    const refused = await pulumi("existing", "preview", "--non-interactive");
    writeFileSync(join(checkout.folder, "Pulumi.existing.yaml"), before);
    expect(refused.code).not.toBe(0);
    expect(refused.all).toContain(`there is no context "drydock-${CLUSTER}x"`);
    expect(refused.all).toContain(`did you mean "drydock-${CLUSTER}"?`);
    expect(refused.all).not.toMatch(/\n\s+at .*:\d+:\d+/);
  });

  it("is refused where it has become another cluster, and kept as it was", async () => {
    const state = await pulumi("existing", "stack", "export");
    const other = "00000000-0000-4000-8000-000000000000";
    const file = join(checkout.home, "state.json");
    writeFileSync(file, state.stdout.replaceAll(uid, other));
    await pulumi("existing", "stack", "import", "--file", file);
    const refused = await pulumi("existing", "preview", "--non-interactive");
    expect(refused.code).not.toBe(0);
    expect(refused.all).toContain("the kubeconfig leads to another cluster");
    expect(refused.all).toContain(`set drydock:cluster.identity to ${uid}`);
    writeFileSync(file, state.stdout);
    await pulumi("existing", "stack", "import", "--file", file);
  });

  it("stays when the stack goes, which takes its own objects along", async () => {
    const destroyed = await pulumi("existing", "destroy", "--yes", "--non-interactive");
    expect(destroyed.code, destroyed.all).toBe(0);
    const left = await checkout.kubectl("get", "namespace", "site", "--ignore-not-found");
    expect(left.stdout).toBe("");
    expect((await fetchPage(outputs.get("dev")?.nginxUrl ?? "")).status).toBe(200);
  });
});
