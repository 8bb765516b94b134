import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";

import { AGENT, KEEPER } from "../../infra/local/runtime/agent";
import { cgroupPids } from "../../infra/local/runtime/cgroups";
import { componentPid, daemonPid, recordedComponents } from "../../infra/local/runtime/daemon";
import { clusterPaths } from "../../infra/local/runtime/paths";
import { DNS_SERVICE_ADDRESS } from "../../infra/local/runtime/spec";
import { type ComponentState, readSupervision } from "../../infra/local/runtime/supervision";
import { nameOf } from "../local/support/cluster";
import { eventually, eventuallyHolds } from "../support/eventually";
import { Checkout } from "./support/checkout";
import { hostChanges, hostState, simulateReboot, untilGone } from "./support/host";
import { fetchPage } from "./support/page";
import { parentOf } from "./support/project";
import { report } from "./support/report";
import { type Seen, Watch } from "./support/watch";

const FIRST = `sup-${String(process.pid)}`;
const SECOND = `side-${String(process.pid)}`;
/** Of all add-ons together. */
const SHIM = "shim";
/** As the kernel names their processes. */
const ADD_ONS = ["coredns", "local-path-prov", "metrics-server"];
/** The promise, of a machine that is not busy with other things. */
const BACK_MS = 15_000;
/** What is asked of one that is. */
const BACK_AT_LEAST_MS = 3 * BACK_MS;
/** After it is back: a restart may cost requests a little later too. */
const AFTERWARDS_MS = 1_500;

const noRealNode = inject("noRealNode");
if (noRealNode.length > 0) {
  report(
    `not checked, because nodes can only be simulated (${noRealNode.join("; ")}): supervision`,
  );
}

/** One cluster for most of it: each step leaves it whole for the next. */
describe.skipIf(noRealNode.length > 0)("supervision of a local cluster", () => {
  let first: Checkout;
  let second: Checkout;
  let before: string[];
  let port: number;
  let url: string;

  beforeAll(async () => {
    before = hostState();
    first = await Checkout.create(FIRST, (config) => {
      // kwok runs beside the real node.
      config["drydock:cluster"].nodes = { simulated: 1 };
    });
    ({ port, url } = first);
    await first.install();
    second = await Checkout.create(SECOND, (config) => {
      config["drydock:cluster"].loadBalancerAddress = "127.0.0.2";
      // The same port, at another address.
      config["drydock:apps"].nginx.port = port;
    });
    await first.bringUp();
  });

  afterAll(async () => {
    await first.remove();
    await second.remove();
  });

  const paths = () => clusterPaths(first.folder, FIRST);

  function pidOf(name: string): number | undefined {
    if (name === "coredns") {
      return cgroupPids(FIRST).find((pid) => nameOf(pid) === "coredns");
    }
    if (name === SHIM) {
      return shimsOf("coredns")[0];
    }
    if (name === AGENT) {
      return daemonPid(paths(), AGENT);
    }
    const component = recordedComponents(paths()).find((it) => it.name === name);
    return component && componentPid(component);
  }

  /** The processes above a program in a container that are not that program themselves. */
  const shimsOf = (program: string): number[] =>
    cgroupPids(FIRST)
      .filter((pid) => nameOf(pid) === program)
      .map(parentOf)
      .filter((pid) => nameOf(pid) === "containerd-shim");

  const stateOf = (name: string): ComponentState | undefined =>
    readSupervision(paths())?.components.find((it) => it.name === name);

  /** Until every one of them is another process and does its work. @returns how long that took */
  async function killAndWait(...names: string[]): Promise<number> {
    const old = names.map((name) => pidOf(name) ?? 0);
    expect(old).not.toContain(0);
    const began = Date.now();
    old.forEach((pid) => process.kill(pid, "SIGKILL"));
    for (const [index, name] of names.entries()) {
      await eventually(async () => {
        const pid = pidOf(name);
        return pid !== undefined && pid !== old[index] && (await works(name));
      });
    }
    return Date.now() - began;
  }

  function expectBack(what: string, ms: number): void {
    expect(ms, what).toBeLessThan(BACK_AT_LEAST_MS);
    if (ms > BACK_MS) report(`a busy machine: ${what} took longer than the 15 s of the promise`);
  }

  /** Whether a component answers, by its health endpoint or by what it is there for. */
  async function works(name: string): Promise<boolean> {
    const node = JSON.parse(readFileSync(paths().record, "utf8")) as {
      network: { address: string };
    };
    const checks: Record<string, () => Promise<boolean>> = {
      etcd: () => kubectlWorks("get", "--raw", "/readyz/etcd"),
      "kube-apiserver": () => kubectlWorks("get", "--raw", "/readyz"),
      "kube-scheduler": () => answersInside("https://127.0.0.1:10259/healthz"),
      "kube-controller-manager": () => answersInside("https://127.0.0.1:10257/healthz"),
      "kwok-controller": () => answersInside("http://127.0.0.1:10247/healthz"),
      kubelet: () => answersInside("http://127.0.0.1:10248/healthz"),
      "kube-proxy": () => answersInside(`http://${node.network.address}:10256/healthz`),
      // A new process in a container takes the kubelet and containerd.
      containerd: () =>
        kubectlWorks("exec", "--namespace", "web", "deployment/nginx", "--", "busybox", "true"),
      registry: () => answersInside("http://127.0.0.1:5000/v2/"),
      coredns: () => resolvesInside("nginx.web.svc.cluster.local"),
      [SHIM]: async () =>
        ADD_ONS.every((name) => shimsOf(name)[0] === pidOf(SHIM)) &&
        (await resolvesInside("nginx.web.svc.cluster.local")),
      [AGENT]: () => fetchPage(url).then(({ status }) => status === 200, () => false), // prettier-ignore
      [KEEPER]: () => Promise.resolve(true),
    };
    return (await checks[name]?.()) ?? false;
  }

  async function kubectlWorks(...args: string[]): Promise<boolean> {
    return (await first.kubectl("--request-timeout=2s", ...args)).code === 0;
  }

  /** The name server answers a question of the node, which no network policy stops. */
  async function resolvesInside(name: string): Promise<boolean> {
    const script = `const resolver = new (require("node:dns").promises.Resolver)({ timeout: 2000, tries: 1 });
      resolver.setServers(["${DNS_SERVICE_ADDRESS}"]);
      resolver.resolve4("${name}").then(() => process.exit(0), () => process.exit(1));`;
    return (await insideNode(script)) === 0;
  }

  /** An address of the cluster's network namespace answers with 200. */
  async function answersInside(address: string): Promise<boolean> {
    const { protocol } = new URL(address);
    const script = `process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
      require("node:${protocol.slice(0, -1)}").get("${address}", { timeout: 2000 }, (it) => process.exit(it.statusCode === 200 ? 0 : 1)).on("error", () => process.exit(1));`;
    return (await insideNode(script)) === 0;
  }

  async function insideNode(script: string): Promise<number> {
    const inside = ["--no-warnings", "-e", script];
    const net = `--net=/run/netns/drydock-${FIRST}`;
    return (await first.run("nsenter", [net, process.execPath, ...inside])).code;
  }

  async function watched<T>(work: () => Promise<T>): Promise<{ result: T; seen: Seen }> {
    const watch = new Watch(url);
    try {
      const result = await work();
      await sleep(AFTERWARDS_MS);
      return { result, seen: await watch.stop() };
    } finally {
      await watch.stop();
    }
  }

  function row(name: string, ms: number, { answered, slowestMs, failed }: Seen): string {
    const seconds = (ms / 1000).toFixed(1);
    const requests = `${String(answered)} requests answered (the slowest after ${String(slowestMs)} ms), ${String(failed.length)} failed`;
    return `${name.padEnd(26)} back after ${seconds.padStart(4)} s, ${requests}`;
  }

  it.each([
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kwok-controller",
    "kubelet",
    "kube-proxy",
    "containerd",
    "registry",
    "coredns",
    SHIM,
    KEEPER,
    "etcd and kube-apiserver",
  ])("brings %s back within 15 s, and nginx serves every request", async (names) => {
    const { result: ms, seen } = await watched(() => killAndWait(...names.split(" and ")));
    report(row(names, ms, seen));
    expect(seen.failed).toEqual([]);
    expect(seen.answered).toBeGreaterThan(20);
    expectBack(names, ms);
  });

  it("has one shim for the add-ons, and one for each pod of an app", () => {
    const addOns = ADD_ONS.flatMap(shimsOf);
    expect(addOns).toEqual(ADD_ONS.map(() => pidOf(SHIM)));
    const shims = new Set([...addOns, ...shimsOf("nginx")]);
    expect(shims.size).toBe(1 + 3);
  });

  it("brings the supervisor itself back, which is the load balancer too, and nothing else restarts", async () => {
    const restarts = () => readSupervision(paths())?.components.map((it) => [it.pid, it.restarts]);
    const known = restarts();
    const { result: ms, seen } = await watched(() => killAndWait(AGENT));
    report(row("supervisor, load balancer", ms, seen));
    expectBack("the supervisor", ms);
    const lost = /ECONNREFUSED|ECONNRESET|EPIPE|socket hang up/;
    expect(seen.failed.filter((it) => !lost.test(it))).toEqual([]);
    expect(restarts()).toEqual(known);
    // Its keeper is the old one: it goes on looking after components.
    expectBack("kube-proxy", await killAndWait("kube-proxy"));
  });

  it("brings a component back that is killed five times in a row, slower each time", async () => {
    const standings = new Set<string>();
    const look = setInterval(() => standings.add(stateOf("kube-scheduler")?.standing ?? ""), 50);
    onTestFinished(() => clearInterval(look));
    const times: number[] = [];
    const { seen } = await watched(async () => {
      for (let round = 0; round < 5; round += 1) {
        times.push(await killAndWait("kube-scheduler"));
      }
    });
    report(`kube-scheduler, 5 kills: ${times.map((ms) => (ms / 1000).toFixed(1)).join(", ")} s`);
    expect(seen.failed).toEqual([]);
    expectBack("kube-scheduler", Math.max(...times));
    // At once; then after a second, two, four and eight.
    [0, 1_000, 2_000, 4_000, 8_000].forEach((delay, index) =>
      expect(times[index]).toBeGreaterThanOrEqual(delay),
    );
    expect(standings).toContain("backing off");
    await eventuallyHolds(() =>
      expect(stateOf("kube-scheduler")).toMatchObject({
        standing: "running",
        restarts: 5,
        attempts: 5,
        lastEnd: { signal: "SIGKILL" },
      }),
    );
    const doctor = await first.npm("run", "-s", "doctor");
    expect(doctor.stdout).toMatch(/ok {4}kube-scheduler: up \d+ s, 5 restarts/);
    expect(doctor.code, doctor.all).toBe(0);
    const preview = await first.pulumi("preview", "--expect-no-changes", "--non-interactive");
    expect(preview.code, preview.all).toBe(0);
  });

  it("waits for a network namespace that lost its name; up gives it back and nothing restarts", async () => {
    const etcd = pidOf("etcd");
    execFileSync("ip", ["netns", "delete", `drydock-${FIRST}`]);
    process.kill(pidOf("kube-scheduler") ?? 0, "SIGKILL");
    await eventuallyHolds(() =>
      expect(stateOf("kube-scheduler")).toMatchObject({
        standing: "waiting",
        reason: `/run/netns/drydock-${FIRST} is missing`,
      }),
    );
    const preview = await first.pulumi("preview", "--non-interactive");
    expect(preview.all).toContain(
      "is not running whole (missing: network namespace, kube-scheduler)",
    );
    const doctor = await first.npm("run", "-s", "doctor");
    expect(doctor.stdout).toContain(
      `MISS  /run/netns/drydock-${FIRST}: missing\n        fix: npm start`,
    );
    expect(doctor.stdout).toMatch(/MISS {2}kube-scheduler: not running \(.* is missing\)/);
    const { result: up, seen } = await watched(() =>
      first.pulumi("up", "--yes", "--non-interactive"),
    );
    expect(up.code, up.all).toBe(0);
    expect(seen.failed).toEqual([]);
    expect(pidOf("etcd")).toBe(etcd);
    await eventually(() => works("kube-scheduler"));
  });

  it("brings the same cluster back after a reboot, with its data", async () => {
    await first.kubectl("create", "configmap", "kept", "--from-literal=key=value");
    const uid = await first.kubectl(
      "get",
      "namespace",
      "default",
      "--output=jsonpath={.metadata.uid}",
    );
    await simulateReboot(first.folder, FIRST);
    const doctor = await first.npm("run", "-s", "doctor");
    expect(doctor.code).toBe(1);
    expect(doctor.stdout).toMatch(
      /MISS {2}supervisor and load balancer: not running.*\n {8}fix: npm start/,
    );
    const preview = await first.pulumi("preview", "--non-interactive");
    expect(preview.all).toContain("is not running whole (missing: network namespace, mount");
    const began = Date.now();
    const started = await first.npm("start");
    expect(started.code, started.all).toBe(0);
    expect(started.all).toContain(`${url} answers: HTTP 200`);
    report(`after a simulated reboot npm start took ${((Date.now() - began) / 1000).toFixed(0)} s`);
    const kept = await first.kubectl("get", "configmap", "kept", "--output=jsonpath={.data.key}");
    expect(kept.stdout).toBe("value");
    const again = await first.kubectl(
      "get",
      "namespace",
      "default",
      "--output=jsonpath={.metadata.uid}",
    );
    expect(again.stdout).toBe(uid.stdout);
    await eventually(() => works("coredns"));
    expectBack("kube-controller-manager", await killAndWait("kube-controller-manager"));
  });

  it("keeps two clusters apart: side by side, under a kill, and when one goes down", async () => {
    await second.install();
    const started = await second.npm("start");
    expect(started.code, started.all).toBe(0);
    const other = `http://127.0.0.2:${String(port)}`;
    expect(started.all).toContain(`${other} answers: HTTP 200`);
    expect((await fetchPage(url)).status).toBe(200);
    const watch = new Watch(other);
    onTestFinished(async () => {
      await watch.stop();
    });
    await killAndWait("etcd", "kube-apiserver", "containerd", AGENT);
    const restarts = readSupervision(clusterPaths(second.folder, SECOND))?.components.map(
      (it) => it.restarts,
    );
    expect(restarts?.length).toBeGreaterThan(7);
    expect(new Set(restarts)).toEqual(new Set([0]));

    const down = await first.npm("run", "down");
    expect(down.code, down.all).toBe(0);
    expect(existsSync(`/run/drydock/${FIRST}`)).toBe(false);
    await untilGone(first);
    await sleep(AFTERWARDS_MS);
    const seen = await watch.stop();
    report(
      `beside kills and down of the other cluster: ${row("", 0, seen).split(", ").slice(1).join(", ")}`,
    );
    expect(seen.failed).toEqual([]);
    expect(seen.answered).toBeGreaterThan(100);
  });

  it("leaves the host as it was, once both are down", async () => {
    // Without the name of its network namespace too, down finds everything in it.
    execFileSync("ip", ["netns", "delete", `drydock-${SECOND}`]);
    const down = await second.npm("run", "down");
    expect(down.code, down.all).toBe(0);
    expect(existsSync(`${second.folder}/.drydock`)).toBe(false);
    await untilGone(second);
    await eventuallyHolds(() => expect(hostChanges(before, [FIRST, SECOND])).toEqual([]));
  });
});
