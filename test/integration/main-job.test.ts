import { existsSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";

import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { RELEASES } from "../../toolchain/tools";
import { concepts } from "../support/concepts";
import { eventually } from "../support/eventually";
import { Checkout } from "./support/checkout";
import {
  clusterPids,
  filesBelow,
  hostState,
  killCluster,
  unlessGone,
  untilGone,
} from "./support/host";
import { report } from "./support/report";
import { fetchPage, servingPods, untilServed, untilServedBy, watchPage } from "./support/page";

const CLUSTER = `it-${String(process.pid)}`;
const containerd = RELEASES.find(({ name }) => name === "containerd");
const noRealNode = inject("noRealNode");
if (noRealNode.length > 0) {
  report(
    `not checked, because nodes can only be simulated here (${noRealNode.join("; ")}): serving`,
  );
}

/** The way of the README, in a fresh checkout: each step stands on the one before. */
describe.skipIf(noRealNode.length > 0)("npm ci && npm start, to npm run down", () => {
  let checkout: Checkout;
  let url: string;
  let before: string[];

  beforeAll(async () => {
    before = hostState();
    checkout = await Checkout.create(CLUSTER);
    ({ url } = checkout);
    expect((await checkout.npm("ci")).code).toBe(0);
  });

  afterAll(async () => {
    await checkout.remove();
  });

  it("ends by printing the URL at which nginx answers", async () => {
    const started = await checkout.npm("start");
    expect(started.all).toContain(`${url} answers: HTTP 200`);
    expect(started.code).toBe(0);
    const page = await fetchPage(url);
    expect(page.status).toBe(200);
    expect(page.text).toContain("drydock");
  });

  it("gives an environment in which the plain commands work", async () => {
    await checkout.loadEnvironment();
    const preview = await checkout.pulumi("preview", "--expect-no-changes", "--non-interactive");
    expect(preview.all).toMatch(/\d+ unchanged/);
    // The CLI's log of each command is left out beside the stand-in, without a word.
    expect(preview.all).not.toMatch(/not a directory|logging/);
    const home = join(checkout.folder, ".drydock", "home");
    expect(filesBelow(home).filter((file) => file.endsWith(".log"))).toEqual([]);
    expect(preview.code).toBe(0);
    const refresh = await checkout.pulumi(
      "refresh",
      "--yes",
      "--expect-no-changes",
      "--non-interactive",
    );
    expect(refresh.code, refresh.all).toBe(0);
    const outputs = JSON.parse(
      (await checkout.pulumi("stack", "output", "--json")).stdout,
    ) as object;
    expect(outputs).toEqual({
      clusterName: CLUSTER,
      kubeconfig: "[secret]",
      nginxUrl: url,
      servesTraffic: true,
      uploaderUrl: "http://uploader.web.svc",
    });
  });

  it("runs nginx x3 on a real node, spread by the Service over all pods", async () => {
    const pods = await checkout.kubectl(
      ...["get", "pods", "--namespace", "web", "--output", "name"],
      ...["--selector", "app.kubernetes.io/name=nginx"],
    );
    const names = pods.stdout.split("\n").map((line) => line.replace("pod/", ""));
    expect(names).toHaveLength(3);
    await untilServedBy(url, names);
    const counts = await servingPods(url, 150);
    report(
      `requests by pod: ${[...counts].map(([name, count]) => `${name} ${String(count)}`).join(", ")}`,
    );
    expect([...counts.keys()].sort()).toEqual(names.sort());
    const node = await checkout.kubectl(
      "get",
      "nodes",
      "--output",
      "jsonpath={.items[*].status.nodeInfo.containerRuntimeVersion}",
    );
    expect(node.stdout).toBe(`containerd://${containerd?.version ?? ""}`);
  });

  it("shows every concept by the command that docs/concepts.md has for it", async () => {
    const wrong: string[] = [];
    for (const { name, command, shown } of concepts()) {
      const { all } = await checkout.run("bash", ["-c", command]);
      if (!all.includes(shown)) wrong.push(`${name}: ${command}\n${all}`);
    }
    expect(wrong).toEqual([]);
  });

  it("pulls an image from the cluster's registry again where the node has lost it", async () => {
    const ctr = (...args: string[]) =>
      checkout.run(join(inject("binaries"), "ctr"), [
        ...["--address", `/run/drydock/${CLUSTER}/containerd.sock`, "--namespace", "k8s.io"],
        ...["images", ...args],
      ]);
    const images = async () => (await ctr("list", "--quiet")).stdout.split("\n");
    const image = (await images()).find((name) => name.includes("/drydock/nginx@")) ?? "";
    expect(image).toMatch(/^registry\.drydock\.local\/drydock\/nginx@sha256:[0-9a-f]{64}$/);
    // The reference, and the name by digest of its configuration.
    const lost = (await images()).filter((name) => name === image || name.startsWith("sha256:"));
    expect((await ctr("remove", "--sync", ...lost)).code).toBe(0);
    expect(await images()).not.toContain(image);
    const web = ["--namespace", "web"];
    const nginx = ["--selector", "app.kubernetes.io/name=nginx", "--output", "name"];
    const pods = async () =>
      (await checkout.kubectl("get", "pods", ...web, ...nginx)).stdout.split("\n");
    const known = await pods();
    await checkout.kubectl("delete", known[0] ?? "", ...web);
    const added = await eventually(async () => (await pods()).find((it) => !known.includes(it)));
    const ready = ["--for=condition=Ready", "--timeout=90s"];
    expect((await checkout.kubectl("wait", added, ...web, ...ready)).code).toBe(0);
    expect(await images()).toContain(image);
    const ofPod = `reason=Pulled,involvedObject.name=${added.replace("pod/", "")}`;
    const pulled = await eventually(async () => {
      const events = ["get", "events", ...web, "--field-selector", ofPod];
      const path = ["--output", "jsonpath={.items[*].message}"];
      const { stdout } = await checkout.kubectl(...events, ...path);
      return stdout === "" ? undefined : stdout;
    });
    expect(pulled).toMatch(/^Successfully pulled image "registry\.drydock\.local/);
    report(`lost and pulled again: ${pulled.replace(/.*" in/, "in")}`);
  });

  it("resolves Services by name inside the cluster, but for pods that a policy lets ask nobody", async () => {
    const lookup = (seconds: number) => [
      ...["busybox", "timeout", String(seconds)],
      ...["busybox", "nslookup", "nginx.web.svc.cluster.local"],
    ];
    const image = await checkout.kubectl(
      ...["get", "deployment", "nginx", "--namespace", "web"],
      ...["--output", "jsonpath={.spec.template.spec.containers[0].image}"],
    );
    await checkout.kubectl(
      ...["run", "lookup", `--image=${image.stdout}`, "--restart=Never"],
      ...["--command", "--", ...lookup(60)],
    );
    // From its log: whoever attaches to a pod may come too late for its first words.
    const phase = ["get", "pod", "lookup", "--output", "jsonpath={.status.phase}"];
    await eventually(async () =>
      /Succeeded|Failed/.test((await checkout.kubectl(...phase)).stdout),
    );
    const asked = await checkout.kubectl("logs", "lookup");
    await checkout.kubectl("delete", "pod", "lookup");
    expect(asked.all).toMatch(/Address: 10\.96\.\d+\.\d+/);
    const web = ["--namespace", "web", "deployment/nginx", "--"];
    const denied = await checkout.kubectl("exec", ...web, ...lookup(5));
    expect(denied.code).not.toBe(0);
    expect(denied.all).not.toMatch(/Address: 10\.96\.\d+\.\d+$/m);
  });

  it("keeps the control plane closed: TLS, RBAC, etcd on loopback, kubeconfig for its owner", async () => {
    const folder = join(checkout.folder, ".drydock", "clusters", CLUSTER);
    expect(statSync(join(folder, "kubeconfig")).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const anonymous = await checkout.kubectl("get", "pods", "--as", "system:anonymous");
    expect(anonymous.all).toContain("forbidden");
    const listening = await checkout.run("nsenter", [
      `--net=/run/netns/drydock-${CLUSTER}`,
      "ss",
      "-Hltn",
    ]);
    const open = listening.stdout.split("\n").map((line) => line.trim().split(/\s+/)[3] ?? "");
    expect(
      open
        .filter((address) => /:(2379|2380|10257|10259)$/.test(address))
        .every((it) => it.startsWith("127.0.0.1")),
    ).toBe(true);
    expect(open.some((address) => address.endsWith(":2379"))).toBe(true);
  });

  it("hands no secret of the caller to the cluster's processes", () => {
    const environments = clusterPids(CLUSTER).map((pid) =>
      unlessGone(() => readFileSync(`/proc/${String(pid)}/environ`, "utf8"), ""),
    );
    expect(environments.filter(Boolean).length).toBeGreaterThan(6);
    expect(environments.filter((text) => text.includes("PULUMI_"))).toEqual([]);
  });

  it("fails a bad image with its reason while the old pods serve, and recovers", async () => {
    checkout.configure((config) => {
      Object.assign(config["drydock:apps"].nginx, {
        image: "localhost/drydock/nginx:none",
        rolloutTimeoutSeconds: 20,
      });
    });
    const ready = async () => {
      const columns = "custom-columns=NAME:.metadata.name,READY:.status.containerStatuses[*].ready";
      const selected = ["--namespace", "web", "--selector", "app.kubernetes.io/name=nginx"];
      const { stdout } = await checkout.kubectl("get", "pods", ...selected, "-o", columns);
      // A ReplicaSet's hash has no fixed length, and kubectl pads to the longest name.
      const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/));
      return rows.filter(([, state]) => state === "true").map(([name]) => name);
    };
    const three = await eventually(async () => {
      const names = await ready();
      return names.length === 3 ? names : undefined;
    });
    const bad = await watchPage(url, () => checkout.pulumi("up", "--yes", "--non-interactive"));
    checkout.configure((config) => {
      delete config["drydock:apps"].nginx.image;
      delete config["drydock:apps"].nginx.rolloutTimeoutSeconds;
    });
    expect(bad.result.code).not.toBe(0);
    expect(bad.result.all).toMatch(/ErrImagePull|ImagePullBackOff/);
    // Whichever tells it first: the Deployment's own deadline, or who waits for it.
    expect(bad.result.all).toMatch(/has timed out progressing|after 20 s/);
    expect(await ready()).toEqual(three);
    expect(bad.result.all).toContain("localhost/drydock/nginx:none");
    expect(bad.failed).toEqual([]);
    const good = await watchPage(url, () => checkout.pulumi("up", "--yes", "--non-interactive"));
    expect(good.result.code, good.result.all).toBe(0);
    expect(good.failed).toEqual([]);
    report(
      `requests answered: ${String(bad.answered)} beside the bad image, ${String(good.answered)} in the recovery, 0 failed`,
    );
  });

  it("says all that is wrong with a configuration at once, without a stack trace", async () => {
    checkout.configure((config) => {
      Object.assign(config["drydock:apps"].nginx, { replicas: -1, replica: 4 });
      Object.assign(config["drydock:cluster"], { kubernetesVersion: "1.99" });
    });
    const refused = await checkout.pulumi("preview", "--non-interactive");
    checkout.configure((config) => {
      Object.assign(config["drydock:apps"].nginx, { replicas: 3 });
      delete config["drydock:apps"].nginx.replica;
      Object.assign(config["drydock:cluster"], { kubernetesVersion: "1.36" });
    });
    expect(refused.code).not.toBe(0);
    for (const part of [
      "apps.nginx.replicas",
      "-1",
      "apps.nginx.replica",
      "cluster.kubernetesVersion",
      "1.99",
    ]) {
      expect(refused.all).toContain(part);
    }
    expect(refused.all).not.toMatch(/\n\s+at .*\.(ts|js):\d+/);
  });

  it("names the address when the port of a Service is in use", async () => {
    const { createServer } = await import("node:net");
    const holder = createServer();
    const port = await new Promise<number>((resolve) => {
      holder.listen(0, "127.0.0.1", () => resolve((holder.address() as { port: number }).port));
    });
    const original = Number(new URL(url).port);
    checkout.configure((config) => {
      Object.assign(config["drydock:apps"].nginx, { port, rolloutTimeoutSeconds: 10 });
    });
    const refused = await checkout.pulumi("up", "--yes", "--non-interactive");
    await new Promise((resolve) => holder.close(resolve));
    checkout.configure((config) => {
      Object.assign(config["drydock:apps"].nginx, { port: original });
      delete config["drydock:apps"].nginx.rolloutTimeoutSeconds;
    });
    expect(refused.code).not.toBe(0);
    expect(refused.all).toContain(`127.0.0.1:${String(port)} is in use by another process`);
    expect((await checkout.pulumi("up", "--yes", "--non-interactive")).code).toBe(0);
    await untilServed(url);
  });

  it("sees a cluster whose processes are gone, and revives it with its data", async () => {
    await checkout.kubectl("create", "configmap", "kept", "--from-literal=key=value");
    await killCluster(checkout.folder, CLUSTER);
    const preview = await checkout.pulumi("preview", "--non-interactive");
    expect(preview.all).toContain("is not running whole");
    expect(preview.all).toMatch(/1 to update\n\s+\d+ unchanged/);
    const up = await checkout.pulumi("up", "--yes", "--non-interactive");
    expect(up.code, up.all).toBe(0);
    await untilServed(url);
    const kept = await checkout.kubectl(
      "get",
      "configmap",
      "kept",
      "--output",
      "jsonpath={.data.key}",
    );
    expect(kept.stdout).toBe("value");
  });

  it("refuses to turn into another cluster while this one is there", async () => {
    checkout.configure((config) => {
      config["drydock:cluster"].nodes = { real: "never", simulated: 3 };
    });
    const refused = await checkout.pulumi("up", "--yes", "--non-interactive");
    checkout.configure((config) => {
      delete config["drydock:cluster"].nodes;
    });
    expect(refused.code).not.toBe(0);
    expect(refused.all).toContain("the cluster was made with a real node: run npm run down first");
    const up = await checkout.pulumi("up", "--yes", "--non-interactive", "--expect-no-changes");
    expect(up.code, up.all).toBe(0);
    expect((await fetchPage(url)).status).toBe(200);
  });

  it("keeps secrets out of state, history, logs and output", () => {
    const folder = join(checkout.folder, ".drydock");
    const kubeconfig = JSON.parse(
      readFileSync(join(folder, "clusters", CLUSTER, "kubeconfig"), "utf8"),
    ) as {
      users: [{ user: { "client-key-data": string } }];
    };
    const key = kubeconfig.users[0].user["client-key-data"];
    const passphrase = readFileSync(join(folder, "passphrase"), "utf8").trim();
    expect(statSync(join(folder, "passphrase")).mode & 0o777).toBe(0o600);
    const pem = Buffer.from(key, "base64").toString("utf8").split("\n")[3] ?? "";
    const canaries = [key.slice(200, 280), pem, passphrase];
    expect(canaries.every((canary) => canary.length > 30)).toBe(true);
    const places = [
      join(folder, "state"),
      join(folder, "home"),
      join(folder, "clusters", CLUSTER, "logs"),
      join(folder, "clusters", CLUSTER, "control-plane", "clusters", "cluster", "logs"),
    ];
    expect(places.slice(2).filter((place) => !existsSync(place))).toEqual([]);
    const texts = places
      .flatMap((place) => filesBelow(place))
      .map((file) => [file, unlessGone(() => readFileSync(file, "latin1"), "")] as const);
    expect(texts.length).toBeGreaterThan(10);
    const found = [...texts, ["output", checkout.printed] as const].flatMap(([file, text]) =>
      canaries.some((canary) => text.includes(canary)) ? [file] : [],
    );
    expect(found).toEqual([]);
  });

  it("goes down and leaves nothing but the tool cache", async () => {
    const down = await checkout.npm("run", "down");
    expect(down.code, down.all).toBe(0);
    expect(existsSync(join(checkout.folder, ".drydock"))).toBe(false);
    expect(existsSync(`/run/drydock/${CLUSTER}`)).toBe(false);
    await untilGone(checkout, before);
    // kubectl's own cache apart, nothing is left in the home.
    const inHome = filesBelow(checkout.home).map((file) => relative(checkout.home, file));
    expect(inHome.filter((file) => !/^\.(kube\/cache|npm)\//.test(file))).toEqual([]);
    expect(hostState().filter((line) => line.startsWith("iptables"))).toEqual(
      before.filter((line) => line.startsWith("iptables")),
    );
    await expect(fetchPage(url)).rejects.toThrow();
  });
});

describe("simulated nodes", () => {
  const cluster = `sim-${String(process.pid)}`;
  let checkout: Checkout;

  beforeAll(async () => {
    checkout = await Checkout.create(cluster, (config) => {
      config["drydock:cluster"].nodes = { real: "never", simulated: 3 };
    });
    await checkout.install();
  });

  afterAll(async () => {
    await checkout.remove();
  });

  it("ends well, and says in plain words that no page is served", async () => {
    const started = await checkout.npm("start");
    expect(started.code, started.all).toBe(0);
    expect(started.all).toContain("no page is served");
    expect(started.all).not.toContain("HTTP 200");
    await checkout.loadEnvironment();
    const pods = await checkout.kubectl(
      "get",
      "pods",
      "--namespace",
      "web",
      "--output",
      "jsonpath={.items[*].status.phase}",
    );
    expect(pods.stdout.split(" ")).toEqual(Array(6).fill("Running"));
    const preview = await checkout.pulumi("preview", "--expect-no-changes", "--non-interactive");
    expect(preview.code, preview.all).toBe(0);
    const down = await checkout.npm("run", "down");
    expect(down.code, down.all).toBe(0);
    await untilGone(checkout);
  });
});
