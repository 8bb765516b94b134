import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { freePort } from "../../infra/local/runtime/ports";
import { eventually, eventuallyHolds } from "../support/eventually";
import { Checkout } from "./support/checkout";
import { podProcess } from "./support/host";
import type { Load } from "./support/load";
import { fetchPage, servingPods, untilServedBy } from "./support/page";
import { report } from "./support/report";
import { Watch } from "./support/watch";

const CLUSTER = `wl-${String(process.pid)}`;
const REQUESTS = 1_000_000;
/** Two quiet cores need some 220 s; a busy machine answers what it can. */
const LONGEST_SECONDS = 270;
/** Beside which there is time to answer. */
const ROLLOUTS = 8;
const noRealNode = inject("noRealNode");

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    /** Set once it is told to end. */
    readonly deletionTimestamp?: string;
  };
  readonly status: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
}

interface ReplicaSet {
  readonly metadata: {
    readonly name: string;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly replicas: number };
}

/** What Deployments and Services promise, on one cluster from one test to the next. */
describe.skipIf(noRealNode.length > 0)("the workloads on a real node", () => {
  let checkout: Checkout;
  let site: string;
  let files: string;

  const up = () => checkout.pulumi("up", "--yes", "--skip-preview", "--non-interactive");
  const nginxIs = (settings: object): void =>
    checkout.configure((config) => {
      Object.assign(config["drydock:apps"].nginx, settings);
    });

  async function kubectl(...args: string[]): Promise<string> {
    const { code, all, stdout } = await checkout.kubectl("--namespace", "web", ...args);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${all}`);
    return stdout;
  }
  async function list<T>(kind: string, app: string): Promise<T[]> {
    const selector = ["--selector", `app.kubernetes.io/name=${app}`];
    const text = await kubectl("get", kind, ...selector, "--output", "json");
    return (JSON.parse(text) as { items: T[] }).items;
  }
  async function readyPods(app: string): Promise<Pod[]> {
    return (await list<Pod>("pods", app)).filter((pod) => stays(pod) && isReady(pod));
  }
  const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name).sort();
  const revisions = async () =>
    new Map(
      (await list<ReplicaSet>("replicasets", "nginx")).map(({ metadata, spec }) => [
        Number(metadata.annotations["deployment.kubernetes.io/revision"]),
        { name: metadata.name, replicas: spec.replicas },
      ]),
    );

  beforeAll(async () => {
    const uploads = await freePort();
    files = `http://127.0.0.1:${String(uploads)}`;
    checkout = await Checkout.create(CLUSTER, (config) => {
      config["drydock:apps"].uploader = { port: uploads };
    });
    site = checkout.url;
    await checkout.install();
    const start = performance.now();
    await checkout.bringUp();
    report(`npm start with all apps: ${seconds(start)}`);
  });

  afterAll(async () => {
    await checkout.remove();
  });

  it("starts a killed container again in the same pod", async () => {
    const [before] = await readyPods("nginx");
    if (before === undefined) throw new Error("There is no pod.");
    const start = performance.now();
    process.kill(podProcess(before.metadata.uid, "nginx: master"), "SIGKILL");
    const after = await eventually(async () => {
      const pod = (await list<Pod>("pods", "nginx")).find(
        ({ metadata }) => metadata.name === before.metadata.name,
      );
      const restarted = pod?.status.containerStatuses?.[0]?.restartCount === 1;
      return pod !== undefined && restarted && isReady(pod) ? pod : undefined;
    });
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(after.status.podIP).toBe(before.status.podIP);
    report(`killed container: the same pod is ready again after ${seconds(start)}`);
  });

  it("replaces a deleted pod by a new one, with another name and address", async () => {
    const before = await readyPods("nginx");
    const [first] = before;
    if (first === undefined) throw new Error("There is no pod.");
    const watch = new Watch(site);
    const start = performance.now();
    await kubectl("delete", "pod", first.metadata.name, "--wait=false");
    const after = await eventually(async () => {
      const pods = await readyPods("nginx");
      return pods.length === 3 && !names(pods).includes(first.metadata.name) ? pods : undefined;
    });
    const { answered, failed } = await watch.stop();
    const [added, ...others] = after.filter(
      ({ metadata }) => !names(before).includes(metadata.name),
    );
    expect(others).toEqual([]);
    expect(before.map(({ status }) => status.podIP)).not.toContain(added?.status.podIP);
    expect(failed).toEqual([]);
    report(
      `deleted pod: ${first.metadata.name} ${first.status.podIP ?? ""} -> ${added?.metadata.name ?? ""} ` +
        `${added?.status.podIP ?? ""} after ${seconds(start)}; ${String(answered)} requests meanwhile, 0 failed`,
    );
  });

  it("rolls out, back and out again without one failed request", async () => {
    const first = [...(await revisions())];
    expect(first).toMatchObject([[1, { replicas: 3 }]]);
    const ended = new AbortController();
    const load = generateLoad().finally(() => ended.abort());

    nginxIs({ resources: { memory: "48Mi" } });
    const rolled = await up();
    expect(rolled.code, rolled.all).toBe(0);
    const second = await revisions();
    expect(second.get(1)).toEqual({ name: first[0]?.[1].name, replicas: 0 });
    expect(second.get(2)?.replicas).toBe(3);

    await kubectl("rollout", "undo", "deployment/nginx", "--to-revision=1");
    await kubectl("rollout", "status", "deployment/nginx", "--timeout=180s");
    const third = await revisions();
    // The ReplicaSet of then is taken up again; its revision counts on.
    expect([...third.keys()].sort()).toEqual([2, 3]);
    expect(third.get(3)).toEqual({ name: first[0]?.[1].name, replicas: 3 });

    let rollouts = 2;
    while (!ended.signal.aborted && rollouts < ROLLOUTS) {
      await kubectl("rollout", "restart", "deployment/nginx");
      await kubectl("rollout", "status", "deployment/nginx", "--timeout=180s");
      rollouts += 1;
    }
    const { answered, failed, connections, seconds: took } = await load;
    report(
      `rollouts under load: ${String(rollouts)} (one of them back to revision 1), ${String(answered)} requests answered, ` +
        `${String(Object.keys(failed).length)} kinds of failure, ${String(connections)} keep-alive connections, ` +
        `${took.toFixed(0)} s, ${(answered / took).toFixed(0)} requests/s`,
    );
    if (answered < REQUESTS) report(`a busy machine: fewer than ${String(REQUESTS)} requests fit`);
    expect(failed).toEqual({});
    expect(answered).toBeGreaterThan(20_000);
    // Beyond what the history keeps they go after the rollout.
    await eventuallyHolds(async () => expect((await revisions()).size).toBeLessThanOrEqual(6));
    nginxIs({ resources: { memory: "32Mi" } });
    const restored = await up();
    expect(restored.code, restored.all).toBe(0);
  });

  it.each([5, 2, 3])("scales to %i pods, all of which serve and no other", async (replicas) => {
    const watch = new Watch(site);
    const start = performance.now();
    nginxIs({ replicas });
    const scaled = await up();
    expect(scaled.code, scaled.all).toBe(0);
    const pods = await eventually(async () => {
      const all = (await list<Pod>("pods", "nginx")).filter(stays);
      return all.length === replicas && all.every(isReady) ? all : undefined;
    });
    const took = seconds(start);
    await untilServedBy(site, names(pods));
    const counts = await servingPods(site, 40 * replicas);
    const { answered, failed } = await watch.stop();
    expect([...counts.keys()].sort()).toEqual(names(pods));
    expect(failed).toEqual([]);
    report(
      `scaled to ${String(replicas)} in ${took}: requests by pod ${[...counts.values()].join(", ")}; ` +
        `${String(answered)} more requests meanwhile, 0 failed`,
    );
  });

  /** Of the whole file. */
  let uploaded = 0;
  async function upload(count: number): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (let index = 0; index < count; index += 1) {
      const url = `${files}/files/note-${String(index % 10)}.md`;
      const body = `# Note ${String(index)}`;
      const answer = await fetch(url, { method: "PUT", body, signal: AbortSignal.timeout(15_000) });
      const text = await answer.text();
      expect([200, 201], text).toContain(answer.status);
      uploaded += 1;
      const { renderedBy } = JSON.parse(text) as { renderedBy: string };
      counts.set(renderedBy, (counts.get(renderedBy) ?? 0) + 1);
    }
    return counts;
  }
  /** Uploads by pod, once kube-proxy has heard of every pod that came or went. */
  const settledUploads = (count: number) =>
    eventually(async () => {
      const ready = names(await readyPods("renderer"));
      if (ready.length !== 2) return undefined;
      // Two rounds: the first may have begun with what kube-proxy knew before.
      for (const round of [await upload(count), await upload(count)]) {
        if ([...round.keys()].sort().join() !== ready.join()) return undefined;
      }
      return upload(count);
    });
  const shares = (counts: ReadonlyMap<string, number>) =>
    [...counts].map(([name, count]) => `${name} ${String(count)}`).join(", ");

  it("spreads the uploader's calls over all pods of the renderer, by the Service's name", async () => {
    const counts = await settledUploads(60);
    const pods = names(await readyPods("renderer"));
    expect(pods).toHaveLength(2);
    expect([...counts.keys()].sort()).toEqual(pods);
    expect(Math.min(...counts.values())).toBeGreaterThan(10);
    report(`60 uploads rendered by: ${shares(counts)}`);
    const page = await fetchPage(`${files}/pages/note-9.md`);
    expect(page).toMatchObject({ status: 200 });
    expect(page.text).toContain("<h1>Note 59</h1>");
  });

  it("does not notice that a pod of the renderer goes and another one comes", async () => {
    const [gone] = names(await readyPods("renderer"));
    if (gone === undefined) throw new Error("There is no pod.");
    await kubectl("delete", "pod", gone, "--wait=false");
    const meanwhile = await upload(80);
    const after = await settledUploads(40);
    expect(after.has(gone)).toBe(false);
    expect([...after.keys()].sort()).toEqual(names(await readyPods("renderer")));
    report(`${gone} deleted: 80 uploads by ${shares(meanwhile)}; then 40 by ${shares(after)}`);
  });

  it("sends nothing to a pod that lacks a label of the selector", async () => {
    const [stray] = names(await readyPods("renderer"));
    if (stray === undefined) throw new Error("There is no pod.");
    await kubectl("label", "pod", stray, "--overwrite", "app.kubernetes.io/name=stray");
    try {
      const counts = await settledUploads(40);
      expect([...counts.keys()].sort()).toEqual(names(await readyPods("renderer")));
      expect(counts.has(stray)).toBe(false);
      expect(isReady((await list<Pod>("pods", "stray"))[0])).toBe(true);
      report(`${stray} with another label: ready, and 0 of 40 uploads; ${shares(counts)}`);
    } finally {
      await kubectl("delete", "pod", stray);
    }
  });

  it("lets the uploader in to the renderer, and nobody else", async () => {
    const path = "jsonpath={.spec.template.spec.containers[0].image}";
    const image = await kubectl("get", "statefulset", "uploader", "--output", path);
    // In a namespace without a policy: what it may not reach is closed at the other end.
    const outside = (...args: string[]) => checkout.kubectl("--namespace", "default", ...args);
    const run = ["run", "asker", "--image", image, "--restart=Never", "--command", "--"];
    expect((await outside(...run, "node", "-e", "setTimeout(() => {}, 300_000)")).code).toBe(0);
    await outside("wait", "pod", "asker", "--for=condition=Ready", "--timeout=90s");
    const ask = async (service: string, port: string, patienceMs: number): Promise<string> => {
      const url = `http://${service}.web.svc.cluster.local:${port}/healthz`;
      const script = `fetch("${url}", { signal: AbortSignal.timeout(${String(patienceMs)}) })
        .then(({ status }) => console.log(status), ({ name }) => console.log(name));`;
      return (await outside("exec", "asker", "--", "node", "-e", script)).all;
    };
    const answers = [
      await ask("nginx", new URL(site).port, 30_000),
      await ask("renderer", "80", 3_000),
    ];
    await outside("delete", "pod", "asker", "--now");
    expect(answers).toEqual(["200", "TimeoutError"]);
    expect((await upload(5)).size).toBeGreaterThan(0);
    report(`a stranger asks nginx: ${answers[0] ?? ""}; the renderer: ${answers[1] ?? ""}`);
  });

  it("runs two containers in a pod, which share its address, a volume and its life", async () => {
    const [pod] = await readyPods("uploader");
    const execute = (container: string, script: string) =>
      kubectl(
        "exec",
        pod?.metadata.name ?? "",
        "--container",
        container,
        "--",
        "node",
        "-e",
        script,
      );
    const shipped = async () => {
      const { text } = await fetchPage(`${files}/uploads`);
      return (JSON.parse(text) as { shipped: number }).shipped;
    };
    await upload(5);
    const after = await eventually(async () => {
      const count = await shipped();
      return count >= uploaded ? count : undefined;
    });
    expect(after).toBe(uploaded);
    // What a container prints is in its log a moment later.
    await eventuallyHolds(async () => {
      const log = await kubectl("logs", "uploader-0", "--container", "journal");
      expect(log.split("\n").filter((line) => line.includes('"uploaded"'))).toHaveLength(after);
    });

    const askFor = (port: number) =>
      `fetch("http://localhost:${String(port)}/healthz").then((r) => r.text()).then(console.log)`;
    expect(await execute("uploader", askFor(8081))).toBe("ok");
    expect(await execute("journal", askFor(8080))).toBe("ok");
    const address = "console.log(os.networkInterfaces().eth0[0].address, os.hostname())";
    const seen = [await execute("uploader", address), await execute("journal", address)];
    expect(seen).toEqual(Array(2).fill(`${pod?.status.podIP ?? ""} uploader-0`));
    await execute("uploader", 'fs.writeFileSync("/journal/from-uploader", "shared")');
    const read = 'console.log(fs.readFileSync("/journal/from-uploader", "utf8"))';
    expect(await execute("journal", read)).toBe("shared");
    await expect(execute("journal", 'fs.readdirSync("/data")')).rejects.toThrow("ENOENT");
    report(`two containers at ${seen[0] ?? ""}: ${String(after)} uploads shipped by the sidecar`);

    await kubectl("delete", "pod", "uploader-0");
    const next = await eventually(async () => (await readyPods("uploader"))[0]);
    expect(next.status.containerStatuses?.map(({ restartCount }) => restartCount)).toEqual([0]);
    expect(next.metadata.uid).not.toBe(pod?.metadata.uid);
    // Ready before kube-proxy has heard of it: the first questions may find nobody.
    const anew = await eventually(() => shipped().catch(() => undefined));
    expect(anew).toBe(0);
  });

  /** In the cluster's own network namespace, past the load balancer: kube-proxy and nginx are what is tried. */
  async function generateLoad(): Promise<Load> {
    const address = await kubectl(
      "get",
      "service",
      "nginx",
      "--output",
      "jsonpath={.spec.clusterIP}",
    );
    const url = `http://${address}:${new URL(site).port}/`;
    const { stdout, all } = await checkout.run("nsenter", [
      `--net=/run/netns/drydock-${CLUSTER}`,
      process.execPath,
      ...["--require", "./scripts/typescript.cjs", "test/integration/support/load.ts"],
      ...[url, String(REQUESTS), "8", String(LONGEST_SECONDS)],
    ]);
    if (!stdout.startsWith("{")) throw new Error(all);
    return JSON.parse(stdout) as Load;
  }
});

/** One that ends goes on being ready for a while, and gets no new connection. */
const stays = ({ metadata }: Pod) => metadata.deletionTimestamp === undefined;

function isReady(pod: Pod | undefined): boolean {
  const conditions = pod?.status.conditions ?? [];
  return conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

function seconds(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}
