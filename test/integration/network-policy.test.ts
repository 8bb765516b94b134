import { execFileSync } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";

import { AGENT } from "../../infra/local/runtime/agent";
import { daemonPid } from "../../infra/local/runtime/daemon";
import { clusterPaths } from "../../infra/local/runtime/paths";
import { readRecord } from "../../infra/local/runtime/record";
import { eventually, eventuallyHolds } from "../support/eventually";
import { Checkout } from "./support/checkout";
import { fetchPage } from "./support/page";
import { PolicyWorld, type PolicySpec } from "./support/policy-world";
import { PATIENCE_MS, Prober } from "./support/prober";
import { report } from "./support/report";
import { Watch } from "./support/watch";

const CLUSTER = `np-${String(process.pid)}`;
/** Of a question that is asked again and again, to see when its answer changes. */
const QUICK_MS = 60;
/** From then on a machine is a busy one. */
const LATE_MS = 5_000;
const NAME_SERVER = "10.96.0.10";
const API_SERVER = "10.96.0.1";
const noRealNode = inject("noRealNode");
if (noRealNode.length > 0) {
  report("not checked, because nodes can only be simulated here: network policies between pods");
}

const ANY = {};
const client = { podSelector: { matchLabels: { app: "client" } } };
const DENY: PolicySpec = { podSelector: ANY, policyTypes: ["Ingress", "Egress"] };
const DENY_INGRESS: PolicySpec = { podSelector: ANY, policyTypes: ["Ingress"] };
const servers = { matchLabels: { app: "server" } };
const inwards = (...ingress: NonNullable<PolicySpec["ingress"]>): PolicySpec => ({
  podSelector: servers,
  policyTypes: ["Ingress"],
  ingress,
});
const outwards = (...egress: NonNullable<PolicySpec["egress"]>): PolicySpec => ({
  podSelector: ANY,
  policyTypes: ["Egress"],
  egress,
});
const dns = {
  to: [
    {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
      podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
    },
  ],
  ports: [{ protocol: "UDP" as const, port: "dns" }],
};

/** Pods that serve and ask, in two namespaces of one cluster; each test sets the policies it needs. */
describe.skipIf(noRealNode.length > 0)("network policies on a real node", () => {
  const stop: (() => void)[] = [];
  let checkout: Checkout;
  let world: PolicyWorld;
  let node: Prober;
  let url: string;
  let nodeAddress: string;
  let nodePort: number;
  let serviceAddress: string;

  beforeAll(async () => {
    checkout = await Checkout.create(CLUSTER);
    ({ url } = checkout);
    await checkout.install();
    await checkout.bringUp();
    const image = await checkout.kubectl(
      ...["get", "deployment", "nginx", "-n", "web"],
      "--output=jsonpath={.spec.template.spec.containers[0].image}",
    );
    const paths = clusterPaths(checkout.folder, CLUSTER);
    nodeAddress = readRecord(paths)?.network.address ?? "";
    world = new PolicyWorld(CLUSTER, paths.kubeconfig, image.stdout);
    stop.push(() => world.close());
    node = await Prober.in(`--net=/run/netns/drydock-${CLUSTER}`);
    stop.push(() => node.stop());
    await world.namespace("shop");
    await world.namespace("stage", { team: "stage" });
    await Promise.all([
      world.pod("server", { namespace: "shop", labels: { app: "server" } }),
      world.pod("second", { namespace: "shop", labels: { app: "server" }, http: 8081 }),
      world.pod("client", { namespace: "shop", labels: { app: "client" } }),
      world.pod("other", { namespace: "shop" }),
      world.pod("remote", { namespace: "stage", labels: { app: "client" } }),
    ]);
    const service = await world.create<Service>("/api/v1/namespaces/shop/services", {
      metadata: { name: "server" },
      spec: {
        type: "NodePort",
        selector: { name: "server" },
        ports: [{ port: 80, targetPort: "http" }],
      },
    });
    serviceAddress = service.spec.clusterIP;
    nodePort = service.spec.ports[0].nodePort;
    await eventually(() => world.prober("client").tcp(serviceAddress, 80));
  });

  afterAll(async () => {
    stop.forEach((end) => end());
    await checkout.remove();
  });

  /** Until every pod reaches what the documentation's words admit, and nothing else. @returns ms */
  async function settles(): Promise<number> {
    const began = Date.now();
    const expected = await world.expected();
    const look = async () => {
      // On a busy machine many answers at once take longer than one.
      const awaited = Date.now() - began > LATE_MS ? expected : [];
      expect(await world.seen(awaited)).toEqual(expected);
    };
    await vi.waitFor(look, { timeout: 90_000, interval: 20 });
    return Date.now() - began;
  }

  /** Each question once more: exactly the admitted ones are answered. */
  async function expectWords(): Promise<string[]> {
    const expected = await world.expected();
    const seen = await world.seen(expected);
    expect(seen).toEqual(expected);
    return seen;
  }

  /** Until one question has the answer. @returns ms since `began` */
  async function becomes(
    answer: boolean,
    ask: () => Promise<boolean>,
    began = Date.now(),
  ): Promise<number> {
    const asked = async () => expect(await ask()).toBe(answer);
    await vi.waitFor(asked, { timeout: 90_000, interval: 5 });
    return Date.now() - began;
  }

  const agent = () => daemonPid(clusterPaths(checkout.folder, CLUSTER), AGENT);
  const asks =
    (from: string, to: string, port = 8080) =>
    () =>
      world.prober(from).tcp(world.address(to), port);

  it("let nginx serve, behind its namespace's default deny", async () => {
    expect((await fetchPage(url)).status).toBe(200);
  });

  it.each<[string, Record<string, PolicySpec>, Record<string, PolicySpec>]>([
    ["none", {}, {}],
    ["default deny of what comes in", { deny: DENY_INGRESS }, {}],
    ["by the label of a pod", { allow: inwards({ from: [client] }) }, {}],
    [
      "by the label of a namespace",
      { allow: inwards({ from: [{ namespaceSelector: { matchLabels: { team: "stage" } } }] }) },
      {},
    ],
    [
      "a pod of any namespace, at a port by name",
      {
        allow: inwards({
          from: [{ namespaceSelector: ANY, ...client }],
          ports: [{ port: "http" }],
        }),
      },
      {},
    ],
    [
      "a range of ports and UDP",
      { allow: inwards({ ports: [{ port: 8081, endPort: 9000 }, { protocol: "UDP" }] }) },
      {},
    ],
    ["default deny of what goes out", { deny: outwards() }, {}],
    [
      "outwards to the servers alone, and nothing into the other namespace",
      { allow: outwards({ to: [{ podSelector: servers }], ports: [{ port: 8080 }] }) },
      { deny: DENY_INGRESS },
    ],
    [
      "both ends isolated",
      {
        deny: DENY,
        inwards: inwards({ from: [client, { namespaceSelector: ANY, ...client }] }),
        outwards: outwards({ to: [{ podSelector: servers }] }),
      },
      { deny: DENY },
    ],
  ])("admit exactly what their words say: %s", async (title, shop, stage) => {
    await world.policies("shop", shop);
    await world.policies("stage", stage);
    const ms = await settles();
    const seen = await expectWords();
    const admitted = seen.filter((line) => line.endsWith("yes")).length;
    report(
      `${title}: ${String(admitted)} of ${String(seen.length)} questions answered, as they should be, ${String(ms)} ms after the policies`,
    );
  });

  it("admit blocks of addresses but for their exceptions", async () => {
    await world.policies("stage", {});
    const except = [`${world.address("client")}/32`, `${world.address("remote")}/32`];
    await world.policies("shop", {
      allow: inwards({ from: [{ ipBlock: { cidr: "10.244.0.0/16", except } }] }),
    });
    await settles();
    await becomes(true, asks("other", "server"));
    expect(await asks("client", "server")()).toBe(false);
  });

  it("see what comes from outside by its own address, through a NodePort", async () => {
    const { hostAddress = "" } = (readRecord(clusterPaths(checkout.folder, CLUSTER))?.network ??
      {}) as { hostAddress?: string };
    await world.policies("shop", { deny: DENY_INGRESS });
    await becomes(false, () => opens(nodeAddress, nodePort));
    const fromHost = { ipBlock: { cidr: `${hostAddress}/32` } };
    await world.policies("shop", { allow: inwards({ from: [fromHost] }) });
    await becomes(true, () => opens(nodeAddress, nodePort));
    await settles();
    expect(await asks("client", "server")()).toBe(false);
  });

  it("see a Service's pod and not its address, and never part a pod from itself or its node", async () => {
    await world.policies("shop", { deny: DENY, allow: inwards({ from: [client] }) });
    const service = (from: string) => () => world.prober(from).tcp(serviceAddress, 80);
    await becomes(false, service("client"));
    await world.policies("shop", { deny: DENY_INGRESS, allow: inwards({ from: [client] }) });
    await becomes(true, service("client"));
    await settles();
    expect(await service("other")()).toBe(false);
    await world.policies("shop", { deny: DENY });
    await settles();
    expect(await service("client")()).toBe(false);
    await becomes(true, service("server"));
    const inside = await Promise.all(
      ["server", "client", "other"].flatMap((name) => [
        node.tcp(world.address(name), 8080, PATIENCE_MS),
        world.prober(name).tcp(nodeAddress, 8081, PATIENCE_MS),
        world.prober(name).udp(nodeAddress, 5353, PATIENCE_MS),
      ]),
    );
    expect(inside).toEqual(inside.map(() => true));
    await becomes(true, () => opens(nodeAddress, 6443));
    // The API server's Service leads to the node too.
    await becomes(true, () => world.prober("client").connects(API_SERVER, 443));
    await eventuallyHolds(async () => {
      const ready = await checkout.kubectl(
        ...["get", "pods", "-n", "shop"],
        "--output=jsonpath={.items[*].status.containerStatuses[0].ready}",
      );
      expect(ready.stdout).toBe("true true true true");
    });
  });

  it("let names be asked for where the name server is admitted", async () => {
    const ask = () => world.prober("client").dns(NAME_SERVER, "server.shop.svc.cluster.local");
    await world.policies("shop", { deny: DENY });
    await becomes(false, ask);
    await world.policies("shop", { deny: DENY, dns: outwards(dns) });
    await becomes(true, ask);
    await settles();
    expect(await asks("client", "server")()).toBe(false);
  });

  it("take effect within moments: of a policy, of a pod's label, of a namespace's label", async () => {
    await world.policies("shop", {});
    await becomes(true, asks("client", "server"));
    const path = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies";
    const times: string[] = [];
    const timed = async (
      what: string,
      answer: boolean,
      from: string,
      act: () => Promise<unknown>,
    ) => {
      const began = Date.now();
      await act();
      const quickly = () => world.prober(from).tcp(world.address("server"), 8080, QUICK_MS);
      const ms = await becomes(answer, quickly, began);
      // The last question of an answer "no" waits for its time limit.
      times.push(`${what} ${String(answer ? ms : Math.max(0, ms - QUICK_MS))} ms`);
    };
    const allow = inwards({
      from: [client, { namespaceSelector: { matchLabels: { open: "yes" } } }],
    });
    await timed("a deny", false, "client", () =>
      world.create(path, { metadata: { name: "deny" }, spec: DENY_INGRESS }),
    );
    await timed("an allow", true, "client", () =>
      world.create(path, { metadata: { name: "allow" }, spec: allow }),
    );
    await timed("a label of a pod", true, "other", () =>
      world.patch("/api/v1/namespaces/shop/pods/other", {
        metadata: { labels: { app: "client" } },
      }),
    );
    await timed("the same taken away", false, "other", () =>
      world.patch("/api/v1/namespaces/shop/pods/other", { metadata: { labels: { app: null } } }),
    );
    await timed("a label of a namespace", true, "remote", () =>
      world.patch("/api/v1/namespaces/stage", { metadata: { labels: { open: "yes" } } }),
    );
    await world.patch("/api/v1/namespaces/stage", { metadata: { labels: { open: null } } });
    report(`time to effect: ${times.join(", ")}`);
    await settles();
  });

  it("end a connection that they no longer admit", async () => {
    await world.policies("shop", { allow: inwards({ from: [client] }) });
    await becomes(true, asks("client", "server"));
    const asking = world.prober("client");
    await asking.hold(world.address("server"), 8080);
    await becomes(true, () => asking.talk());
    await world.policies("shop", { deny: DENY_INGRESS });
    await settles();
    await becomes(false, () => asking.talk());
    expect(await asking.talk()).toBe(false);
    report("a connection that stood is cut off when its policy goes");
  });

  it("hold for a pod from its first packet on: closed where denied, open where not", async () => {
    await world.policies("shop", { deny: DENY_INGRESS, allow: inwards({ from: [client] }) });
    await settles();
    const target = `${world.address("server")} 8080`;
    /** Each ends by itself after so many seconds. */
    const attempts = (count: number, seconds: number) => [
      ...["sh", "-c"],
      `exec 2>/dev/null; for i in $(busybox seq ${String(count)}); do echo ping | busybox timeout ${String(seconds)} busybox nc ${target} | busybox grep -q ping && echo yes || echo no; done`,
    ];
    const pods = ["stranger-1", "stranger-2", "stranger-3", "welcome-1", "welcome-2", "welcome-3"];
    await Promise.all(
      pods.map((name) =>
        world.createPod(name, {
          namespace: "shop",
          labels: name.startsWith("welcome") ? { app: "client" } : {},
          command: name.startsWith("welcome") ? attempts(1, 5) : attempts(3, 1),
        }),
      ),
    );
    await eventuallyHolds(async () => {
      const phases = await checkout.kubectl(
        ...["get", "pods", "-n", "shop", ...pods],
        "--output=jsonpath={.items[*].status.phase}",
      );
      expect(phases.stdout).toBe(pods.map(() => "Succeeded").join(" "));
    });
    const read = pods.map((name) => checkout.kubectl("logs", "-n", "shop", name));
    const logs = (await Promise.all(read)).map(({ stdout }) => stdout.split("\n").join(" "));
    const expected = pods.map((name) => (name.startsWith("welcome") ? "yes" : "no no no"));
    expect(logs).toEqual(expected);
    report("the first connection of 3 new pods was answered, none of 3 others in 3 attempts each");
  });

  it("stay while the agent is away, and follow what changed meanwhile when it is back", async () => {
    await world.policies("shop", { deny: DENY_INGRESS, allow: inwards({ from: [client] }) });
    await settles();
    const old = agent() ?? 0;
    expect(old).toBeGreaterThan(0);
    const began = Date.now();
    process.kill(old, "SIGKILL");
    await expectWords();
    await world.policies("shop", { deny: DENY_INGRESS });
    const ms = await becomes(false, asks("client", "server"), began);
    await eventually(() => ![undefined, old].includes(agent()));
    report(`the agent killed: its rules stayed, a new policy held ${String(ms)} ms after the kill`);
    await settles();
  });

  it("come back when somebody removes the rules", async () => {
    await world.policies("shop", { deny: DENY_INGRESS });
    await settles();
    // It would set them again at any moment.
    const pid = agent() ?? 0;
    process.kill(pid, "SIGSTOP");
    try {
      nft("delete", "table");
      await becomes(true, asks("client", "server"));
    } finally {
      process.kill(pid, "SIGCONT");
    }
    const ms = await becomes(false, asks("client", "server"));
    report(`rules removed by hand were back after ${String(ms)} ms`);
  });

  it("change under load without a lost connection of what they admit", async () => {
    const allow = inwards({ from: [client] });
    await world.policies("shop", { deny: DENY_INGRESS, allow });
    await settles();
    const page = new Watch(url);
    const path = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/deny";
    let changes = 0;
    const load = await world.prober("client").load(world.address("server"), 8080, async () => {
      for (; changes < 40; changes += 1) {
        const ingress = [{ ports: [{ port: 9000 + changes }] }];
        await world.patch(path, { spec: { ingress } });
        await sleep(50);
      }
    });
    const { answered, failed } = await page.stop();
    report(
      `${String(changes)} changes of policies: ${String(load.answered)} new connections between pods and ${String(answered)} requests of nginx, ${String(load.failed + failed.length)} lost`,
    );
    expect(load.failed).toBe(0);
    expect(failed).toEqual([]);
    expect(load.answered).toBeGreaterThan(500);
    await eventuallyHolds(() => expect(rules()).toContain("tcp dport 9039-9039"));
  });

  it("are nothing to the host, and go with the cluster", async () => {
    const tables = (): string => execFileSync("nft", ["list", "tables"], { encoding: "utf8" });
    expect(tables()).not.toContain("drydock");
    const doctor = await checkout.npm("run", "-s", "doctor");
    expect(doctor.stdout).toMatch(/ok {4}network policies: enforced, \d+ for \d+ pods/);
    const down = await checkout.npm("run", "down");
    expect(down.code, down.all).toBe(0);
    expect(tables()).not.toContain("drydock");
  });
});

interface Service {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly clusterIP: string; readonly ports: [{ readonly nodePort: number }] };
}

function rules(): string[] {
  return nft("list", "table")
    .split("\n")
    .map((line) => line.replaceAll(/\s+/g, " ").split(" counter ")[0]?.trim() ?? "");
}

function nft(...args: string[]): string {
  const namespace = `--net=/run/netns/drydock-${CLUSTER}`;
  const command = ["nft", ...args, "ip", "drydock-network-policy"];
  return execFileSync("nsenter", [namespace, ...command], { encoding: "utf8" });
}

/** Whether a connection from the host is taken. */
function opens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(400, () => end(false));
    socket.once("error", () => end(false));
    socket.once("connect", () => end(true));
  });
}
