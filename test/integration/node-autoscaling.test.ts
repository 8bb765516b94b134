import { readFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { KARPENTER } from "../../infra/local/karpenter/lifecycle";
import { componentPid, recordedComponents } from "../../infra/local/runtime/daemon";
import { leftovers } from "../../infra/local/runtime/delete";
import { clusterPaths } from "../../infra/local/runtime/paths";
import { eventually, eventuallyHolds } from "../support/eventually";
import { Checkout } from "./support/checkout";
import { untilGone } from "./support/host";
import { report } from "./support/report";

const CLUSTER = `grow-${String(process.pid)}`;
/** Pods that do not share a node. One has room on the node that is there; the others need new ones. */
const REPLICAS = 4;
/** Of the CPUs that the limit permits, 6 go to those nodes of 2; the rest is 3 nodes of 16. */
const CPU_LIMIT = "54";
const HUGE = 3;
const ADDED = "karpenter.sh/nodepool=simulated";

interface Item {
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly allocatable?: Readonly<Record<string, string>>;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

const isReady = ({ status }: Item): boolean =>
  status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;

/** A Deployment whose pods ask for so many CPUs, at most one on a node. */
function deployment(name: string, replicas: number, cpu: string): string {
  const labels = { app: name };
  const apart = { labelSelector: { matchLabels: labels }, topologyKey: "kubernetes.io/hostname" };
  const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [apart] };
  const container = { name, image: "example.com/none:1", resources: { requests: { cpu } } };
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { affinity: { podAntiAffinity }, containers: [container] },
      },
    },
  });
}

const noNamespace = process.getuid?.() !== 0 || process.platform !== "linux";
if (noNamespace) {
  report("not checked, because Karpenter needs a network namespace, and that root: its nodes");
}

/** One cluster for all: each step stands on the one before. */
describe.skipIf(noNamespace)("nodes that Karpenter adds", () => {
  let checkout: Checkout;

  beforeAll(async () => {
    checkout = await Checkout.create(CLUSTER, (config) => {
      config["drydock:cluster"].nodes = {
        real: "never",
        simulated: 1,
        autoscaling: { kind: "karpenter", cpuLimit: CPU_LIMIT, consolidateAfterSeconds: 0 },
      };
    });
    await checkout.install();
    const { all } = await checkout.bringUp();
    expect(all).toContain("Karpenter adds nodes where pods need them, simulated by kwok");
  });

  afterAll(async () => {
    await checkout.remove();
  });

  const paths = () => clusterPaths(checkout.folder, CLUSTER);

  function karpenterPid(): number | undefined {
    const component = recordedComponents(paths()).find(({ name }) => name === KARPENTER);
    return component && componentPid(component);
  }

  async function kubectl(...args: string[]): Promise<string> {
    const { code, all, stdout } = await checkout.kubectl(...args);
    expect(code, all).toBe(0);
    return stdout;
  }

  const get = async (...args: string[]): Promise<Item[]> =>
    (JSON.parse(await kubectl("get", "--output", "json", ...args)) as { items: Item[] }).items;
  const addedNodes = () => get("nodes", "--selector", ADDED);
  const podsOf = (name: string) =>
    get("pods", "--namespace", "default", "--selector", `app=${name}`);

  async function apply(object: string): Promise<void> {
    const applied = await checkout.run("bash", ["-c", 'kubectl apply -f - <<<"$OBJECT"'], {
      OBJECT: object,
    });
    expect(applied.code, applied.all).toBe(0);
  }

  const scale = (replicas: number) =>
    kubectl("scale", "deployment/grower", "--namespace=default", `--replicas=${String(replicas)}`);

  /** @returns seconds until it holds */
  async function seconds(holds: () => Promise<void>): Promise<string> {
    const began = Date.now();
    await eventuallyHolds(holds, 180_000);
    return ((Date.now() - began) / 1000).toFixed(1);
  }

  it("has nothing to change once it is up, and no more rights than it needs", async () => {
    expect(await addedNodes()).toEqual([]);
    const preview = await checkout.pulumi("preview", "--refresh", "--expect-no-changes");
    expect(preview.code, preview.all).toBe(0);
    const may = async (...what: string[]) =>
      (await checkout.kubectl("auth", "can-i", ...what, "--as=karpenter")).stdout;
    const answers = await Promise.all([
      may("create", "nodes"),
      may("get", "secrets", "--all-namespaces"),
      may("create", "pods", "--namespace=web"),
    ]);
    expect(answers).toEqual(["yes", "no", "no"]);
  });

  it("come when pods do not fit, and the pods with them", async () => {
    await apply(deployment("grower", REPLICAS, "1"));
    const took = await seconds(async () => {
      const pods = await podsOf("grower");
      expect(pods).toHaveLength(REPLICAS);
      expect(pods.filter(isReady)).toHaveLength(REPLICAS);
    });
    await eventuallyHolds(async () => {
      const added = await addedNodes();
      expect(added).toHaveLength(REPLICAS - 1);
      expect(added.filter(isReady)).toHaveLength(REPLICAS - 1);
    });
    const nodes = await addedNodes();
    const [type, zone] = ["node.kubernetes.io/instance-type", "topology.kubernetes.io/zone"];
    for (const { metadata } of nodes) {
      // The smallest does, so it is taken.
      expect(metadata.labels[type]).toBe("c.2");
      expect(metadata.labels[zone]).toMatch(/^local-[abc]$/);
    }
    const used = new Set((await podsOf("grower")).map(({ spec }) => spec.nodeName));
    expect(used.size).toBe(REPLICAS);
    report(`${String(REPLICAS)} pods apart: ${String(nodes.length)} nodes more after ${took} s`);
  });

  it("do not come beyond the limit", async () => {
    await apply(deployment("huge", HUGE + 1, "15"));
    const took = await seconds(async () => {
      const failures = "--field-selector=involvedObject.kind=Pod,reason=FailedScheduling";
      const events = await kubectl("get", "events", "--namespace=default", failures, "-o", "json");
      expect(events).toMatch(/all available instance types exceed limits for nodepool/);
      expect((await podsOf("huge")).filter(isReady)).toHaveLength(HUGE);
    });
    expect(await addedNodes()).toHaveLength(REPLICAS - 1 + HUGE);
    const waiting = (await podsOf("huge")).filter(({ spec }) => spec.nodeName === undefined);
    expect(waiting).toHaveLength(1);
    await kubectl("delete", "deployment/huge", "--namespace=default");
    report(
      `${String(HUGE + 1)} pods of 15 CPUs at a limit of ${CPU_LIMIT}: ${String(HUGE)} nodes more and one pod pending after ${took} s`,
    );
  });

  it("go again, also where Karpenter was killed in between", async () => {
    const former = karpenterPid() ?? 0;
    expect(former).toBeGreaterThan(0);
    const memory = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(former)}/status`, "utf8"));
    process.kill(former, "SIGKILL");
    await scale(1);
    const back = await seconds(() => {
      const pid = karpenterPid();
      expect(pid).toBeDefined();
      expect(pid).not.toBe(former);
      return Promise.resolve();
    });
    const gone = await seconds(async () => {
      expect(await addedNodes()).toEqual([]);
      expect((await podsOf("grower")).filter(isReady)).toHaveLength(1);
    });
    expect(Number(memory?.[1])).toBeLessThan(200 * 1024);
    report(
      `Karpenter (${String(Math.round(Number(memory?.[1]) / 1024))} MiB) killed: back after ${back} s; ` +
        `its ${String(REPLICAS - 1 + HUGE)} nodes were gone ${gone} s later, the last pod moved to the node that stays`,
    );
  });

  const expectNothingAdded = () =>
    eventuallyHolds(async () => {
      expect(await addedNodes()).toEqual([]);
      expect(karpenterPid()).toBeUndefined();
      const left = await kubectl("get", "customresourcedefinitions,clusterroles", "--output=name");
      expect(left).not.toContain("karpenter");
    });
  const snapshot = () => join(checkout.home, "grown.db");

  it("stay with a restore, and Karpenter starts anew, also where one is interrupted", async () => {
    await scale(2);
    await seconds(async () => {
      expect((await podsOf("grower")).filter(isReady)).toHaveLength(2);
    });
    const saved = await checkout.npm("run", "-s", "snapshot", "--", snapshot());
    expect(saved.code, saved.all).toBe(0);
    const before = (await addedNodes()).map(({ metadata }) => metadata.name);
    expect(before).toHaveLength(1);
    for (const interrupted of [true, false]) {
      const former = karpenterPid();
      const run = checkout.start("node", ["dist/cli.js", "restore", snapshot()]);
      if (interrupted) {
        await eventually(() => run.printed().includes("on the restored data"));
        process.kill(run.pid, "SIGINT");
      }
      const { code, all } = await run.finished;
      expect(code === 0, all).toBe(!interrupted);
      await eventuallyHolds(async () => {
        expect(karpenterPid(), all).toBeDefined();
        expect(karpenterPid()).not.toBe(former);
        expect((await addedNodes()).map(({ metadata }) => metadata.name)).toEqual(before);
      });
    }
  });

  it("go with Karpenter when it is switched off, also one that it is taking away", async () => {
    const [node] = await addedNodes();
    // Karpenter does not evict such pods: the node stays between deletion and end.
    const inDefault = ["--namespace=default", "--selector=app=grower"];
    await kubectl("annotate", "pods", ...inDefault, "karpenter.sh/do-not-disrupt=true");
    await kubectl("delete", "node", node?.metadata.name ?? "", "--wait=false");
    const going = (await addedNodes()).filter(({ metadata }) => metadata.deletionTimestamp);
    expect(going).toHaveLength(1);
    checkout.configure((config) => {
      config["drydock:cluster"].nodes = { real: "never", simulated: 1 };
    });
    const off = await checkout.pulumi("up", "--yes", "--non-interactive", "--skip-preview");
    expect(off.code, off.all).toBe(0);
    expect(off.all).toMatch(/cluster-autoscaling-node-pool .*deleted/);
    await expectNothingAdded();
  });

  it("do not come back with a snapshot of when they were there", async () => {
    const began = Date.now();
    const restored = await checkout.npm("run", "-s", "restore", "--", snapshot());
    expect(restored.code, restored.all).toBe(0);
    expect(restored.all).toContain("removing Karpenter");
    await expectNothingAdded();
    report(`restored without them in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  });

  it("leave no trace after down", async () => {
    const down = await checkout.npm("run", "down");
    expect(down.code, down.all).toBe(0);
    expect(leftovers(checkout.folder, CLUSTER)).toEqual([]);
    await untilGone(checkout);
  });
});
