import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { clientUrl } from "../../infra/local/runtime/etcd";
import { clusterPaths } from "../../infra/local/runtime/paths";
import { freePort } from "../../infra/local/runtime/ports";
import { readRecord } from "../../infra/local/runtime/record";
import { VOLUMES_FOLDER } from "../../infra/local/runtime/spec";
import { isAlive } from "../../toolchain/alive";
import { eventually, eventuallyHolds } from "../support/eventually";
import { Checkout } from "./support/checkout";
import { filesBelow, podProcess, simulateReboot, unlessGone } from "./support/host";
import { EntryPoint } from "./support/entry-point";
import { loadWhile } from "./support/load-while";
import { watchPage } from "./support/page";
import { report } from "./support/report";
import { StoreWorkload } from "./support/workload";

const CLUSTER = `addons-${String(process.pid)}`;
// Not in this file, which lies in the checkout too.
const CANARIES = [randomUUID(), randomUUID()] as const;
const noRealNode = inject("noRealNode");
if (noRealNode.length > 0) {
  report(
    "not checked, because nodes can only be simulated here: volumes, secrets, metrics, ingress",
  );
}

/** One cluster for all: each step stands on the one before. */
describe.skipIf(noRealNode.length > 0)("add-ons of the local cluster", () => {
  let checkout: Checkout;
  let store: StoreWorkload;
  let entry: EntryPoint;
  let url: string;
  let image: string;

  beforeAll(async () => {
    const port = await freePort();
    checkout = await Checkout.create(CLUSTER, (config) => {
      config["drydock:cluster"].ingress = { port };
      config["drydock:apps"].uploader = { ingress: { host: "files.localhost" } };
    });
    ({ url } = checkout);
    entry = new EntryPoint(checkout, port);
    await checkout.install();
    await checkout.bringUp();
    const path = "jsonpath={.spec.template.spec.containers[0].image}";
    const nginx = ["get", "deployment", "nginx", "--namespace", "web", "--output", path];
    image = (await checkout.kubectl(...nginx)).stdout;
    store = new StoreWorkload(checkout);
    await store.create({ image, password: CANARIES[0] });
  });

  afterAll(async () => {
    await checkout.remove();
  });

  const volumes = () => join(clusterPaths(checkout.folder, CLUSTER).node, "host", VOLUMES_FOLDER);
  /** The folders of the store's claims; apps have some too. */
  const folders = () => readdirSync(volumes()).filter((name) => name.includes("_addons_"));
  const contents = () =>
    Promise.all([0, 1].map((replica) => store.exec(replica, "cat", "/data/name")));

  describe("secrets", () => {
    it("reach a file in the pod, and etcd only encrypted", async () => {
      expect(await store.exec(0, "cat", "/key/password")).toBe(CANARIES[0]);
      const name = await store.get("{.items[0].metadata.name}", "secrets");
      const stored = await etcdValue(`/registry/secrets/addons/${name}`);
      expect(stored).toMatch(/k8s:enc:secretbox:v1:key-[0-9a-f]{16}:/);
      expect(stored).not.toContain(CANARIES[0]);
    });

    it("are rotated without another image", async () => {
      const former = await store.ready();
      await store.setPassword(CANARIES[1]);
      await store.up();
      await store.ready(former);
      expect(await store.exec(1, "cat", "/key/password")).toBe(CANARIES[1]);
      expect(
        await store.get("{.spec.template.spec.containers[0].image}", "statefulset/store"),
      ).toBe(image);
    });

    it("stand nowhere in clear: etcd's files, snapshot, state, configuration, logs, what was printed", async () => {
      const snapshot = join(checkout.home, "etcd.db");
      const taken = await checkout.npm("run", "snapshot", "--", snapshot);
      expect(taken.code, taken.all).toBe(0);
      const paths = clusterPaths(checkout.folder, CLUSTER);
      expect(statSync(paths.encryption).mode & 0o777).toBe(0o600);
      // Layers of images are the only thing left out: no object of the cluster gets there.
      const files = [...filesBelow(join(checkout.folder, "..")), snapshot].filter(
        (file) =>
          !file.startsWith(join(paths.node, "containerd")) && !file.includes("node_modules"),
      );
      expect(files.some((file) => file.endsWith("etcd/member/snap/db"))).toBe(true);
      expect(files.some((file) => file.endsWith(".wal"))).toBe(true);
      expect(files.some((file) => file.endsWith("addons.json"))).toBe(true);
      const forms = CANARIES.flatMap((text) => [text, Buffer.from(text).toString("base64")]);
      const found = files.filter((file) => {
        const data = unlessGone(() => readFileSync(file), Buffer.alloc(0));
        return forms.some((text) => data.includes(text));
      });
      expect(found).toEqual([]);
      expect(store.printed).toContain("kubernetes:core/v1:Secret");
      expect(forms.filter((text) => store.printed.includes(text))).toEqual([]);
      report(`2 canaries in none of ${String(files.length)} files`);
    });
  });

  describe("volumes", () => {
    it("are one a replica, made on demand", async () => {
      for (const replica of [0, 1]) {
        await store.exec(replica, "sh", "-c", "busybox hostname > /data/name");
      }
      expect(await contents()).toEqual(["store-0", "store-1"]);
      expect(folders()).toHaveLength(2);
      const classes = "{.items[*].spec.storageClassName}";
      expect(await store.get(classes, "persistentvolumeclaims")).toBe("local-path local-path");
    });

    it("survive the deletion of the pods, the end of a container and another pod template", async () => {
      const first = await store.ready();
      await store.kubectl("delete", "pods", "--all", "--wait=true");
      const second = await store.ready(first);
      expect(await contents()).toEqual(["store-0", "store-1"]);
      // The command may end with the container that it ends.
      await store.kubectl("exec", "store-0", "--", "busybox", "kill", "1");
      await eventually(
        async () =>
          (await store.get("{.status.containerStatuses[0].restartCount}", "pod/store-0")) === "1",
      );
      await store.ready();
      expect(await store.exec(0, "cat", "/data/name")).toBe("store-0");
      await store.set({ revision: "2" });
      await store.up();
      await store.ready(second);
      expect(await contents()).toEqual(["store-0", "store-1"]);
    });

    it("survive the end of everything that runs, as a reboot brings it", async () => {
      await simulateReboot(checkout.folder, CLUSTER);
      const started = await checkout.npm("start");
      expect(started.code, started.all).toBe(0);
      await store.ready();
      expect(await contents()).toEqual(["store-0", "store-1"]);
      expect(await store.exec(0, "cat", "/key/password")).toBe(CANARIES[1]);
    });

    it("go with their claim, or stay where the configuration says so", async () => {
      await checkout.kubectl("--namespace", "addons", "delete", "statefulset", "store");
      await store.kubectl("delete", "persistentvolumeclaim", "data-store-0");
      await eventually(() => folders().length === 1);
      checkout.configure((config) => {
        Object.assign(config["drydock:cluster"], { storage: { reclaimPolicy: "Retain" } });
      });
      const retain = await checkout.pulumi("up", "--yes", "--non-interactive");
      expect(retain.code, retain.all).toBe(0);
      // Of the volumes that are there the former policy holds; the new one gets the new.
      await store.up();
      await store.ready();
      await store.exec(0, "sh", "-c", "echo kept > /data/name");
      await checkout.kubectl("--namespace", "addons", "delete", "statefulset", "store");
      await store.kubectl("delete", "persistentvolumeclaim", "--all");
      const phases = '{.items[?(@.spec.claimRef.namespace=="addons")].status.phase}';
      await eventually(async () => (await store.get(phases, "persistentvolumes")) === "Released");
      const [left = "none"] = folders();
      expect(readFileSync(join(volumes(), left, "name"), "utf8")).toBe("kept\n");
      report("reclaimPolicy Delete: the folder is gone with its claim; Retain: it is kept");
    });
  });

  describe("metrics", () => {
    it("say what pods and nodes use, by a kubelet whose certificate is checked", async () => {
      const args = ["get", "deployment", "metrics-server", "--namespace", "kube-system"];
      const spec = await checkout.kubectl(...args, "--output", "jsonpath={.spec.template.spec}");
      expect(spec.stdout).toContain("--kubelet-certificate-authority=");
      expect(spec.stdout).not.toContain("insecure");
      const lines = await eventually(async () => {
        const top = await topPods();
        return top.length === 3 && top;
      });
      for (const line of lines) expect(line).toMatch(/^nginx-\S+ +\d+m +\d+Mi *$/);
      await eventuallyHolds(async () => {
        const node = await checkout.kubectl("top", "nodes", "--no-headers");
        expect(node.stdout).toMatch(new RegExp(`^${CLUSTER}-node-1 +\\d+m +\\d+% +\\d+Mi`));
      });
    });

    it("let a HorizontalPodAutoscaler follow load, up and down, without a failed request", async () => {
      await checkout.kubectl("apply", "--filename", writeJson("autoscaler.json", AUTOSCALER));
      const before = Date.now();
      const seconds = () => ((Date.now() - before) / 1000).toFixed(0);
      const up = await loadWhile(url, async () => (await replicas()) > 3);
      const reached = await replicas();
      report(
        `${String(reached)} pods after ${seconds()} s of load; ${String(up.answered)} requests answered, ${String(up.failed.length)} failed`,
      );
      expect(reached).toBeGreaterThan(3);
      expect(up.failed).toEqual([]);
      expect(up.answered).toBeGreaterThan(1_000);
      const down = await watchPage(url, () =>
        eventually(async () => (await replicas()) === 3, 180_000),
      );
      report(
        `3 pods again ${seconds()} s after the start; ${String(down.answered)} requests answered`,
      );
      expect(down.failed).toEqual([]);
      await checkout.kubectl("--namespace", "web", "delete", "horizontalpodautoscaler", "nginx");
    });
  });

  describe("ingress", () => {
    it("leads each host and path to its Service, and no other", async () => {
      const { stdout } = await checkout.run("pulumi", ["stack", "output", "uploaderUrl"]);
      expect(stdout.trim()).toBe(`http://files.localhost:${String(entry.port)}`);
      // One more, as somebody else writes it: without a class.
      await entry.apply("www.localhost", { "/": "nginx", "/files": "uploader" });
      for (const [host, path] of [
        ["www.localhost", "/"],
        ["files.localhost", "/files"],
      ] as const) {
        await eventually(async () => (await entry.ask(host, path)).status === 200);
      }
      expect((await entry.ask("www.localhost", "/")).text).toContain("<!doctype html>");
      const put = await entry.ask("files.localhost", "/files/a.md", { method: "PUT", body: "# A" });
      expect(put.status).toBe(201);
      expect((await entry.ask("www.localhost", "/files")).text).toContain("a.md");
      expect((await entry.ask("files.localhost", "/pages/a.md")).text).toContain("<h1>A</h1>");
      expect((await entry.ask("stranger.localhost", "/")).status).toBe(404);
      const addresses = [{ ip: "127.0.0.1", ports: [{ port: entry.port, protocol: "TCP" }] }];
      for (const name of ["uploader", "another"]) {
        await eventuallyHolds(async () => expect(await entry.addresses(name)).toEqual(addresses));
      }
    });

    it("is the only way to an app that has no other", async () => {
      const connect = async (service: string) => {
        const path = "jsonpath={.spec.clusterIP} {.spec.ports[0].port}";
        const where = ["get", "service", service, "--namespace", "web", "--output", path];
        const target = (await checkout.kubectl(...where)).stdout.split(" ");
        return store.kubectl("exec", "store-0", "--", "busybox", "nc", "-w", "3", ...target);
      };
      // Back after its volumes were tried.
      await store.up();
      await store.ready();
      // nginx is open to all, since it has a load balancer.
      await eventuallyHolds(async () => {
        const open = await connect("nginx");
        expect(open.code, open.all).toBe(0);
      });
      expect((await connect("uploader")).code).toBe(1);
      expect((await entry.ask("files.localhost", "/files")).status).toBe(200);
    });

    it("serves every request while its backend is replaced, and after one of its pods is gone", async () => {
      const web = ["--namespace", "web"];
      await checkout.kubectl(...web, "rollout", "restart", "deployment/nginx");
      const rolling = checkout.kubectl(...web, "rollout", "status", "deployment/nginx");
      let rolled = false;
      const watching = rolling.then(async ({ code, all }) => {
        expect(code, all).toBe(0);
        // Those of before the rollout may still be there, and end.
        const labels = ["--selector", "app.kubernetes.io/name=nginx"];
        const pods = await checkout.kubectl(...web, "get", "pods", ...labels, "--output", "json");
        const { items } = JSON.parse(pods.stdout) as { items: Pod[] };
        const stays = items.find(({ metadata }) => metadata.deletionTimestamp === undefined);
        const gone = await checkout.kubectl(...web, "delete", "pod", stays?.metadata.name ?? "");
        expect(gone.code, gone.all).toBe(0);
        rolled = true;
      });
      const host = { host: "www.localhost" };
      const load = await loadWhile(`${entry.url}/whoami`, () => Promise.resolve(rolled), host);
      await watching;
      report(
        `a rollout and a deletion behind the ingress: ${String(load.answered)} requests answered`,
      );
      expect(load.failed).toEqual([]);
      expect(load.answered).toBeGreaterThan(1_000);
    });

    it("is back after its own process is killed", async () => {
      const pod = async (path: string) => {
        const args = ["get", "pods", "--output", `jsonpath={.items[*].${path}}`];
        return (await checkout.kubectl("--namespace", "ingress", ...args)).stdout;
      };
      const restarts = () => pod("status.containerStatuses[0].restartCount");
      const former = await restarts();
      const killed = podProcess(await pod("metadata.uid"), "/usr/bin/skipper");
      const before = Date.now();
      process.kill(killed, "SIGKILL");
      // From then on, only another one can answer.
      await eventually(() => !isAlive(killed));
      await eventually(async () => {
        const answer = await entry.ask("www.localhost", "/").catch(() => undefined);
        return answer?.status === 200;
      });
      const seconds = (Date.now() - before) / 1000;
      report(`the ingress answers ${seconds.toFixed(1)} s after its process was killed`);
      // The kubelet says so a little after the container is there.
      await eventuallyHolds(async () => expect(Number(await restarts())).toBe(Number(former) + 1));
    });
  });

  async function topPods(): Promise<string[]> {
    const { code, stdout } = await checkout.kubectl(
      "top",
      "pods",
      ...["--namespace", "web", "--selector", "app.kubernetes.io/name=nginx"],
      "--no-headers",
    );
    return code === 0 ? stdout.split("\n").filter(Boolean) : [];
  }

  async function replicas(): Promise<number> {
    const path = "jsonpath={.status.readyReplicas}";
    const args = ["get", "deployment", "nginx", "--namespace", "web", "--output", path];
    return Number((await checkout.kubectl(...args)).stdout);
  }

  function writeJson(name: string, value: object): string {
    const file = join(checkout.home, name);
    writeFileSync(file, JSON.stringify(value));
    return file;
  }

  /** As etcd holds it. */
  async function etcdValue(key: string): Promise<string> {
    const paths = clusterPaths(checkout.folder, CLUSTER);
    const record = readRecord(paths);
    if (record?.network.kind !== "namespace") throw new Error("the cluster has no namespace");
    const pki = paths.controlPlaneCertificates;
    const { stdout } = await checkout.run("nsenter", [
      `--net=/run/netns/${record.network.namespace}`,
      join(inject("binaries"), "etcdctl"),
      `--endpoints=${clientUrl(record)}`,
      `--cacert=${join(pki, "ca.crt")}`,
      `--cert=${join(pki, "admin.crt")}`,
      `--key=${join(pki, "admin.key")}`,
      ...["get", key, "--print-value-only"],
    ]);
    return stdout;
  }
});

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
}

/** Looks at what the pods use, and back within the shortest windows that there are. */
const AUTOSCALER = {
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "nginx", namespace: "web" },
  spec: {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "nginx" },
    minReplicas: 3,
    maxReplicas: 5,
    metrics: [
      {
        type: "Resource",
        resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } },
      },
    ],
    behavior: { scaleDown: { stabilizationWindowSeconds: 10 } },
  },
};
