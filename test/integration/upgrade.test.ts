import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { kubernetesVersion } from "../../toolchain/tools";
import { eventuallyHolds } from "../support/eventually";
import { Checkout } from "./support/checkout";
import { hostState, processesOf, untilGone } from "./support/host";
import { untilServed, watchPage } from "./support/page";
import { report } from "./support/report";

const CLUSTER = `up-${String(process.pid)}`;
const [OLD, NEW] = [kubernetesVersion("1.35"), kubernetesVersion("1.36")];
const SECRET = "canary-of-a-secret";
const noRealNode = inject("noRealNode");
if (noRealNode.length > 0) {
  report(`not checked, because nodes can only be simulated here: an upgrade beside a served page`);
}

interface NodeList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly labels: Record<string, string> };
    readonly spec: { readonly taints?: readonly { readonly key: string }[] };
    readonly status: { readonly nodeInfo: { readonly kubeletVersion: string } };
  }[];
}

/** One cluster from its first version to its end: each step stands on the one before. */
describe.skipIf(noRealNode.length > 0)("a cluster's whole life", () => {
  let checkout: Checkout;
  let url: string;
  let before: string[];
  let folder: string;

  beforeAll(async () => {
    before = hostState();
    checkout = await Checkout.create(CLUSTER, (config) => {
      config["drydock:cluster"].kubernetesVersion = "1.35";
    });
    ({ url } = checkout);
    folder = join(checkout.folder, ".drydock", "clusters", CLUSTER);
    await checkout.install();
    await checkout.bringUp();
  });

  afterAll(async () => {
    await checkout.remove();
  });

  const version = (minor: string): void =>
    checkout.configure((config) => {
      Object.assign(config["drydock:cluster"], { kubernetesVersion: minor });
    });
  const nodes = (settings: object): void =>
    checkout.configure((config) => {
      Object.assign(config["drydock:cluster"], { nodes: settings });
    });
  const preview = () => checkout.pulumi("preview", "--non-interactive");
  const up = () => checkout.pulumi("up", "--yes", "--skip-preview", "--non-interactive");
  const json = async <T>(...args: string[]): Promise<T> =>
    JSON.parse((await checkout.kubectl(...args, "--output", "json")).stdout) as T;
  const serverVersion = async (): Promise<string> =>
    (await json<{ serverVersion: { gitVersion: string } }>("version")).serverVersion.gitVersion;
  const nodeList = async () => (await json<NodeList>("get", "nodes")).items;
  const podIds = async (): Promise<string[]> =>
    (await json<{ items: { metadata: { uid: string } }[] }>("get", "pods", "-n", "web")).items
      .map(({ metadata }) => metadata.uid)
      .sort();
  const snapshots = (): string[] => readdirSync(join(folder, "snapshots"));

  it("starts in the version that the stack asks for", async () => {
    expect(await serverVersion()).toBe(`v${OLD}`);
    expect((await nodeList()).map(({ status }) => status.nodeInfo.kubeletVersion)).toEqual([
      `v${OLD}`,
    ]);
    await checkout.kubectl("create", "secret", "generic", "kept", `--from-literal=key=${SECRET}`);
  });

  it("goes back to the old version with its data where the new one does not come up", async () => {
    version("1.36");
    const broken = join(checkout.home, "broken");
    mkdirSync(broken);
    // Found on PATH, of a fitting version, and of no use.
    const script = `#!/bin/sh\n[ "$1" = --version ] && echo "Kubernetes v${NEW}" && exit\necho "no such feature gate" >&2\nexit 3\n`;
    writeFileSync(join(broken, "kube-apiserver"), script, { mode: 0o755 });
    const ids = await podIds();
    const { result, answered, failed } = await watchPage(url, () => checkout.withPath(broken, up));
    expect(result.code).not.toBe(0);
    expect(result.all).toContain(
      `Kubernetes was not upgraded to ${NEW}: the cluster runs ${OLD} again`,
    );
    expect(result.all).toContain(
      "kube-apiserver has ended right after its start: no such feature gate",
    );
    expect(result.all).not.toMatch(/\n\s+at .*\.(ts|js):\d+/);
    expect(await serverVersion()).toBe(`v${OLD}`);
    const secret = await json<{ data: { key: string } }>("get", "secret", "kept");
    expect(Buffer.from(secret.data.key, "base64").toString()).toBe(SECRET);
    expect(await podIds()).toEqual(ids);
    expect(failed).toEqual([]);
    report(`a failed upgrade, back at ${OLD}: ${String(answered)} requests, 0 failed`);
  });

  it("is upgraded in place, as the preview says, while nginx goes on serving", async () => {
    const planned = await preview();
    expect(planned.all).toContain(`upgrades Kubernetes from ${OLD} to ${NEW} in place: a snapshot`);
    const ids = await podIds();
    const begun = Date.now();
    const { result, answered, failed } = await watchPage(url, up);
    expect(result.code, result.all).toBe(0);
    expect(await serverVersion()).toBe(`v${NEW}`);
    expect((await nodeList()).map(({ status }) => status.nodeInfo.kubeletVersion)).toEqual([
      `v${NEW}`,
    ]);
    expect(await podIds()).toEqual(ids);
    expect(failed).toEqual([]);
    expect(snapshots().filter((name) => name.startsWith(`kubernetes-${OLD}-`))).toHaveLength(2);
    for (const name of snapshots()) {
      expect(statSync(join(folder, "snapshots", name)).mode & 0o777).toBe(0o600);
    }
    const seconds = ((Date.now() - begun) / 1000).toFixed(0);
    report(
      `${OLD} to ${NEW} in ${seconds} s: ${String(answered)} requests, 0 failed, the same pods`,
    );
    const again = await checkout.pulumi("preview", "--expect-no-changes", "--non-interactive");
    expect(again.code, again.all).toBe(0);
  });

  it("refuses to go back to an older version, with the way", async () => {
    version("1.35");
    const refused = await preview();
    expect(refused.code).not.toBe(0);
    expect(refused.all).toContain(`the cluster runs Kubernetes ${NEW}, and ${OLD} is older`);
    expect(refused.all).toContain("run npm run down first");
    version("1.36");
  });

  it("is saved to a file and restored from it, while nginx goes on serving", async () => {
    const file = join(checkout.home, "saved.db");
    const saved = await checkout.npm("run", "-s", "snapshot", "--", file);
    expect(saved.stdout).toBe(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const twice = await checkout.npm("run", "-s", "snapshot", "--", file);
    expect(twice.code).toBe(1);
    expect(twice.all).toContain("exists already");
    await checkout.kubectl("delete", "secret", "kept");
    await checkout.kubectl("create", "configmap", "later", "--from-literal=key=value");
    const ids = await podIds();
    const restored = await watchPage(url, () => checkout.npm("run", "-s", "restore", "--", file));
    expect(restored.result.code, restored.result.all).toBe(0);
    expect(restored.result.all).toContain("pulumi refresh -s dev");
    expect(restored.failed).toEqual([]);
    const names = async (kind: string) =>
      (await checkout.kubectl("get", kind, "--output", "name")).stdout;
    expect(await names("secrets")).toContain("secret/kept");
    expect(await names("configmaps")).not.toContain("configmap/later");
    expect(await podIds()).toEqual(ids);
    expect(readdirSync(join(folder, "control-plane", "data")).sort()).toEqual(["etcd", "pki"]);
    // Controllers, whose watches broke off, go on with the restored objects.
    await checkout.kubectl("create", "deployment", "after", "--image=example.com/none:1");
    await eventuallyHolds(async () => expect(await names("pods")).toMatch(/pod\/after-/));
    await checkout.kubectl("delete", "deployment", "after");
    const unchanged = await checkout.pulumi(
      "refresh",
      "--yes",
      "--expect-no-changes",
      "--non-interactive",
    );
    expect(unchanged.code, unchanged.all).toBe(0);
    report(`a restore: ${String(restored.answered)} requests, 0 failed, the same pods`);
  });

  it("refuses a file that is no whole snapshot of it, before anything is stopped", async () => {
    const whole = readFileSync(join(checkout.home, "saved.db"));
    const truncated = join(checkout.home, "truncated.db");
    writeFileSync(truncated, whole.subarray(0, whole.length - 8192));
    const changed = join(checkout.home, "changed.db");
    const bytes = Buffer.from(whole);
    bytes[50_000] = (bytes[50_000] ?? 0) ^ 1;
    writeFileSync(changed, bytes);
    const pids = processesOf(join(folder, "control-plane"));
    for (const file of [truncated, changed]) {
      const refused = await checkout.npm("run", "-s", "restore", "--", file);
      expect(refused.code).toBe(1);
      expect(refused.all).toContain(`${file} is not a whole snapshot of etcd`);
    }
    expect(processesOf(join(folder, "control-plane"))).toEqual(pids);
  });

  it("gives its nodes labels and taints, and adds simulated nodes beside the real one", async () => {
    const real = `${CLUSTER}-node-1`;
    await checkout.kubectl("label", "node", real, "example.com/theirs=1");
    nodes({
      simulated: 2,
      labels: { real: { "example.com/disk": "ssd" }, simulated: { "example.com/pool": "spot" } },
      taints: { real: [{ key: "example.com/soft", effect: "PreferNoSchedule" }] },
    });
    const planned = await preview();
    expect(planned.all).toContain(`adds 2 simulated nodes: ${CLUSTER}-simulated-1`);
    const { result, failed } = await watchPage(url, up);
    expect(result.code, result.all).toBe(0);
    expect(failed).toEqual([]);
    // A node keeps its taint not-ready until the controller looks at it again.
    await eventuallyHolds(async () => {
      const [first, ...simulated] = await nodeList();
      expect(first?.metadata.labels).toMatchObject({
        "example.com/disk": "ssd",
        "example.com/theirs": "1",
      });
      expect(first?.spec.taints?.map(({ key }) => key)).toEqual(["example.com/soft"]);
      expect(simulated.map(({ metadata }) => metadata.labels["example.com/pool"])).toEqual([
        "spot",
        "spot",
      ]);
      const keys = simulated.flatMap(({ spec }) => spec.taints ?? []).map(({ key }) => key);
      expect(keys).toEqual(["kwok.x-k8s.io/node", "kwok.x-k8s.io/node"]);
    });
  });

  it("removes what the configuration no longer asks for, and evicts the pods of surplus nodes", async () => {
    writeFileSync(join(checkout.home, "spread.json"), JSON.stringify(spread()));
    await checkout.kubectl("apply", "--filename", join(checkout.home, "spread.json"));
    const placed = async (): Promise<string[]> =>
      (
        await json<{ items: { spec: { nodeName?: string } }[] }>("get", "pods", "-l", "app=spread")
      ).items
        .map(({ spec }) => spec.nodeName ?? "none")
        .sort();
    const [one, two] = [`${CLUSTER}-simulated-1`, `${CLUSTER}-simulated-2`];
    await eventuallyHolds(async () => expect(await placed()).toEqual([one, two]));
    nodes({ simulated: 1, labels: { simulated: { "example.com/pool": "spot" } } });
    const planned = await preview();
    expect(planned.all).toContain(
      `removes 1 simulated node, after the eviction of its pods: ${two}`,
    );
    const { result, failed } = await watchPage(url, up);
    expect(result.code, result.all).toBe(0);
    expect(failed).toEqual([]);
    await eventuallyHolds(async () => expect(await placed()).toEqual([one, one]));
    const [first, ...simulated] = await nodeList();
    expect(simulated.map(({ metadata }) => metadata.name)).toEqual([one]);
    expect(first?.metadata.labels).not.toHaveProperty(["example.com/disk"]);
    expect(first?.metadata.labels).toHaveProperty(["example.com/theirs"], "1");
    expect(first?.spec.taints).toBeUndefined();
    await untilServed(url);
  });

  it("goes down and leaves nothing, its own snapshots included", async () => {
    const down = await checkout.npm("run", "down");
    expect(down.code, down.all).toBe(0);
    expect(existsSync(join(checkout.folder, ".drydock"))).toBe(false);
    expect(existsSync(`/run/drydock/${CLUSTER}`)).toBe(false);
    await untilGone(checkout, before);
  });
});

/** Two pods that only simulated nodes can take, one on each while there are two. */
function spread(): object {
  const labels = { app: "spread" };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "spread" },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          nodeSelector: { "example.com/pool": "spot" },
          tolerations: [{ key: "kwok.x-k8s.io/node", operator: "Exists" }],
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "DoNotSchedule",
              labelSelector: { matchLabels: labels },
            },
          ],
          containers: [{ name: "web", image: "example.com/web:1" }],
        },
      },
    },
  };
}
