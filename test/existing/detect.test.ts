import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect, createServer as createTcpServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { parse, stringify } from "yaml";

import { detect } from "../../infra/existing/detect";
import { ExistingClusterError } from "../../infra/existing/detect/errors";
import type { ExistingClusterArgs } from "../../infra/existing/detection";
import { freePort } from "../../infra/local/runtime/ports";
import { OtherClient } from "../kubernetes/support/cluster";
import { type ControlPlane, startControlPlane } from "../support/control-plane";

interface Kubeconfig {
  clusters: [{ name: string; cluster: Record<string, unknown> }];
  users: [{ name: string; user: Record<string, unknown> }];
  contexts: [{ name: string; context: Record<string, unknown> }];
  "current-context": string;
}

let folder: string;
let plane: ControlPlane;
let other: OtherClient;
let uid: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "drydock-detect-"));
  plane = await startControlPlane({ nodes: 2 });
  other = new OtherClient(plane.kubeconfig);
  const { metadata } = await other.get("/api/v1/namespaces/kube-system");
  ({ uid } = metadata as { uid: string });
});
afterAll(async () => {
  other.close();
  await plane.stop();
  rmSync(folder, { recursive: true });
});

/** A file with the control plane's kubeconfig, changed. */
function kubeconfig(change: (config: Kubeconfig) => void = () => undefined): string {
  const config = parse(plane.kubeconfig) as Kubeconfig;
  change(config);
  const file = join(mkdtempSync(join(folder, "config-")), "kubeconfig");
  writeFileSync(file, stringify(config));
  return file;
}

const found = (args: ExistingClusterArgs) => detect(args, new AbortController().signal);

async function refusal(file: string, args: ExistingClusterArgs = {}): Promise<string> {
  try {
    await found({ kubeconfig: file, ...args });
  } catch (error) {
    if (error instanceof ExistingClusterError) return error.message;
    throw error;
  }
  throw new Error("The cluster was accepted.");
}

function loopback(server: Server): Promise<number> {
  onTestFinished(() => void server.close());
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

/** A token of a new service account. */
async function token(name: string): Promise<string> {
  const accounts = "/api/v1/namespaces/default/serviceaccounts";
  await other.post(accounts, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name } });
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
  const { status } = await other.post(`${accounts}/${name}/token`, body);
  return (status as { token: string }).token;
}

async function bind(account: string, role: string): Promise<void> {
  const group = "rbac.authorization.k8s.io";
  await other.post(`/apis/${group}/v1/clusterrolebindings`, {
    apiVersion: `${group}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name: account },
    roleRef: { apiGroup: group, kind: "ClusterRole", name: role },
    subjects: [{ kind: "ServiceAccount", name: account, namespace: "default" }],
  });
}

describe("the detection on a real API server, all of whose nodes kwok simulates", () => {
  it("says what it found, and that no page is served", async () => {
    const detection = await found({ kubeconfig: kubeconfig() });
    expect(detection).toMatchObject({
      server: plane.server,
      uid,
      servesTraffic: false,
      architectures: [],
      capabilities: { networkPolicy: false, externalSecrets: false, zones: [] },
    });
    expect(detection.summary).toMatch(
      /^Uses the cluster of .*, context \S+, server https:\S+: Kubernetes 1\.36\.3, 2 nodes, all simulated by kwok: no page is served/,
    );
    expect(detection.summary).not.toContain("PRIVATE KEY");
  });

  it("finds what is there, at once, in the one cluster", async () => {
    const storage = "storage.k8s.io/v1";
    await other.post(`/apis/${storage}/storageclasses`, {
      apiVersion: storage,
      kind: "StorageClass",
      metadata: {
        name: "fast",
        annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
      },
      provisioner: "example.com/none",
    });
    const networking = "networking.k8s.io/v1";
    await other.post(`/apis/${networking}/ingressclasses`, {
      apiVersion: networking,
      kind: "IngressClass",
      metadata: { name: "public" },
      spec: { controller: "example.com/none" },
    });
    for (const zone of ["eu-1a", "eu-1b"]) {
      await other.post("/api/v1/nodes", {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: zone, labels: { "topology.kubernetes.io/zone": zone } },
        spec: { providerID: `hcloud://${zone}` },
      });
    }
    const { capabilities, servesTraffic, summary } = await found({ kubeconfig: kubeconfig() });
    expect(capabilities).toEqual({
      loadBalancer: { annotations: {} },
      ingress: { className: "public", annotations: {}, tls: false },
      storageClass: "fast",
      networkPolicy: false,
      podIdentity: undefined,
      externalSecrets: false,
      zones: ["eu-1a", "eu-1b"],
    });
    expect(servesTraffic).toBe(true);
    expect(summary).toContain("4 nodes, 2 of them simulated by kwok");
    expect(summary).toContain("ingress: IngressClass (public)");
    expect(summary).toContain("load balancer: yes (the cloud of the nodes, hcloud)");
    for (const zone of ["eu-1a", "eu-1b"]) await other.delete(`/api/v1/nodes/${zone}`);
  });

  it("takes a token, a credential plugin, and a proxy", async () => {
    const admin = await token("admin");
    await bind("admin", "cluster-admin");
    const withUser = (user: Record<string, unknown>) =>
      kubeconfig((config) => (config.users[0].user = user));
    expect((await found({ kubeconfig: withUser({ token: admin }) })).uid).toBe(uid);

    const plugin = join(folder, "login");
    const credential = {
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      status: { token: admin },
    };
    writeFileSync(plugin, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`);
    chmodSync(plugin, 0o755);
    const exec = { apiVersion: credential.apiVersion, command: plugin, interactiveMode: "Never" };
    expect((await found({ kubeconfig: withUser({ exec }) })).uid).toBe(uid);

    let tunnels = 0;
    const proxy = createServer().on("connect", ({ url }, socket) => {
      tunnels += 1;
      const { hostname, port } = new URL(`http://${url ?? ""}`);
      const server = connect(Number(port), hostname, () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        socket.pipe(server).pipe(socket);
      });
      for (const end of [socket, server]) end.on("error", () => undefined);
    });
    const port = await loopback(proxy);
    const proxied = kubeconfig((config) => {
      config.clusters[0].cluster["proxy-url"] = `http://127.0.0.1:${String(port)}`;
    });
    expect((await found({ kubeconfig: proxied })).uid).toBe(uid);
    expect(tunnels).toBeGreaterThan(0);
  });

  it("refuses a user without the rights, naming each", async () => {
    const reader = await token("reader");
    await bind("reader", "view");
    const file = kubeconfig((config) => (config.users[0].user = { token: reader }));
    const message = await refusal(file);
    expect(message).toContain("may not do what this stack needs (403)");
    expect(message).toContain("create, patch, delete namespaces;");
    expect(message).toContain("create, patch, delete networkpolicies.networking.k8s.io");
    expect(message).not.toContain("list services");
  });

  it("refuses a token and a certificate that the API server does not accept", async () => {
    const wrong = kubeconfig((config) => (config.users[0].user = { token: "canary-token" }));
    const message = await refusal(wrong);
    expect(message).toContain("the API server does not accept the credentials");
    expect(message).toContain("they are wrong or expired (401 Unauthorized)");
    expect(message).not.toContain("canary-token");

    const claims = Buffer.from(JSON.stringify({ exp: 1_700_000_000 })).toString("base64url");
    const old = kubeconfig((config) => (config.users[0].user = { token: `e30.${claims}.x` }));
    expect(await refusal(old)).toContain("the token expired on 2023-11-14T22:13:20.000Z");

    const [key, certificate] = ["key.pem", "certificate.pem"].map((name) => join(folder, name));
    execFileSync("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-subj", "/CN=nobody", "-days", "1", "-keyout", key ?? "", "-out", certificate ?? ""],
    ], { stdio: "ignore" }); // prettier-ignore
    const stranger = kubeconfig((config) => {
      config.users[0].user = { "client-certificate": certificate, "client-key": key };
    });
    expect(await refusal(stranger)).toContain("the API server does not accept the credentials");
  });

  it("refuses a server that the kubeconfig does not know", async () => {
    const file = kubeconfig((config) => {
      const { cluster } = config.clusters[0];
      delete cluster["insecure-skip-tls-verify"];
      delete cluster["certificate-authority-data"];
    });
    const message = await refusal(file);
    expect(message).toContain("there is no trust between the API server and this kubeconfig");
    expect(message).toContain(`server ${plane.server}`);
  });

  it("refuses a credential plugin that is not there", async () => {
    const file = kubeconfig((config) => {
      const exec = {
        apiVersion: "client.authentication.k8s.io/v1",
        command: "drydock-no-such-plugin",
        interactiveMode: "Never",
      };
      config.users[0].user = { exec };
    });
    const message = await refusal(file);
    expect(message).toContain("the credentials cannot be obtained");
    expect(message).toContain("see that drydock-no-such-plugin is installed and logged in");
  });

  it("refuses another cluster than the one that is meant", async () => {
    const identity = "00000000-0000-4000-8000-000000000000";
    expect(await refusal(kubeconfig(), { identity })).toContain(
      `its namespace kube-system has the UID ${uid}; drydock:cluster.identity is ${identity}`,
    );
    expect((await found({ kubeconfig: kubeconfig(), identity: uid })).uid).toBe(uid);
  });
});

describe("a server that is no cluster for this project", () => {
  const at = (port: number) =>
    kubeconfig((config) => {
      const server = `http://127.0.0.1:${String(port)}`;
      config.clusters[0].cluster = { server, "insecure-skip-tls-verify": true };
      config.users[0].user = {};
    });

  /** Answers as an API server of another version does, with nothing else. */
  async function serving(status: number, body: unknown): Promise<string> {
    const server = createServer((_, response) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    return at(await loopback(server));
  }

  it("is refused where nothing listens", async () => {
    const message = await refusal(at(await freePort()));
    expect(message).toMatch(
      /^the cluster cannot be reached\n {2}where: \S+kubeconfig, context \S+, server http:/,
    );
    expect(message).toContain("why: connection refused");
  });

  it("is refused after a bounded wait where it does not answer", async () => {
    const silent = await loopback(createTcpServer(() => undefined));
    const start = performance.now();
    expect(await refusal(at(silent))).toContain("why: no answer within 10 s");
    expect(performance.now() - start).toBeLessThan(36_000);
  });

  it.each([
    ["v1.20.15", "Kubernetes 1.20.15 is too old", "upgrade the cluster to 1.34 or later"],
    ["v1.99.0-gke.1", "Kubernetes 1.99.0-gke.1 is too new", "use a later release of drydock"],
  ])("is refused where its version is %s", async (gitVersion, what, fix) => {
    const message = await refusal(await serving(200, { gitVersion }));
    expect(message).toContain(what);
    expect(message).toContain("why: this project supports 1.34 to 1.37");
    expect(message).toContain(fix);
  });

  it("is refused where it is no API server at all", async () => {
    expect(await refusal(await serving(404, "not here"))).toContain(
      "see that the server of the kubeconfig is a Kubernetes API server",
    );
  });
});
