import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request, type RequestOptions } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";

import { credentialsOf } from "../../infra/local/runtime/api";
import { componentPid, recordedComponents } from "../../infra/local/runtime/daemon";
import { deleteCluster, leftovers } from "../../infra/local/runtime/delete";
import { clusterPaths } from "../../infra/local/runtime/paths";
import { readRecord } from "../../infra/local/runtime/record";
import { readSupervision } from "../../infra/local/runtime/supervision";
import { Secret, UNKNOWN } from "../../toolchain/plugin/serve";
import { failureOf, type State, type TestEngine } from "../kubernetes/support/engine";
import {
  CLUSTER_URN,
  clusterInputs,
  createPod,
  IMAGE_URN,
  imageInputs,
  killEverything,
  listenAddresses,
  nameOf,
  type Pod,
  processesOf,
  withApi,
} from "./support/cluster";
import { asRoot, findProgram } from "./support/host";
import { occupy, stopServer } from "./support/services";
import { CANARY, environmentOf, Project } from "./support/plugin";
import { eventually, eventuallyHolds } from "../support/eventually";

const NOBODY = 65_534;
/** Runs a command as an ordinary user; as it is where this run is one already. */
const asUser = asRoot
  ? [
      findProgram("setpriv").path,
      `--reuid=${String(NOBODY)}`,
      `--regid=${String(NOBODY)}`,
      "--clear-groups",
      "--",
    ]
  : [];
const NAME = `t-user-${String(process.pid)}`;
const NO_ROOT = "a real node needs root, and this user is not root (use sudo for a real one)";
const COMPONENTS = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kwok-controller",
  "node",
];

describe("the plugin as an ordinary user", () => {
  let project: Project;
  let engine: TestEngine;
  let state: State;

  beforeAll(async () => {
    project = await Project.create(asRoot ? NOBODY : undefined);
    engine = await project.engine(asUser);
  });

  afterAll(async () => {
    await engine.stop();
    await deleteCluster(project.folder, NAME);
    project.remove();
  });

  it("refuses wrong inputs, all at once", async () => {
    const wrong = { ...clusterInputs("Wrong_Name", "perhaps"), loadBalancerAddress: "10.0.0.1" };
    const failures = (await engine.check(CLUSTER_URN, wrong).catch(String)) as string;
    expect(failures).toContain("clusterName: ");
    expect(failures).toContain("nodes.real: ");
    expect(failures).toContain("loadBalancerAddress: ");
  });

  it("refuses a real node where it is demanded, with reason and fix", async () => {
    const inputs = clusterInputs(NAME, "always");
    const failure = [
      "this machine does not permit a real node",
      `  why: ${NO_ROOT}`,
      "  fix: mend that, or set cluster.nodes.real to auto or never",
    ].join("\n");
    expect(await failureOf(engine.create(CLUSTER_URN, inputs, { preview: true }))).toBe(failure);
    expect(await failureOf(engine.create(CLUSTER_URN, inputs))).toBe(failure);
    expect(existsSync(project.clusters)).toBe(false);
  });

  it("says in the preview what will be simulated and why, and makes nothing", async () => {
    const inputs = await engine.check(CLUSTER_URN, clusterInputs(NAME));
    const planned = await engine.create(CLUSTER_URN, inputs, { preview: true });
    expect(planned.outputs).toMatchObject({ clusterName: NAME, kubeconfig: UNKNOWN });
    expect(engine.texts("info").at(-1)).toMatch(
      /^creates Kubernetes 1\.36\.\d+: control plane .* no real node and 3 simulated by kwok\. Simulated nodes run no containers, so no page is served\. Reason: a real node needs root/,
    );
    expect(existsSync(project.clusters)).toBe(false);
  });

  it("makes a cluster whose nodes are simulated and says that no page is served", async () => {
    state = await engine.create(CLUSTER_URN, clusterInputs(NAME));
    expect(state.id).toBe(NAME);
    expect(state.outputs).toMatchObject({
      status: "running",
      servesTraffic: false,
      reasons: [NO_ROOT],
      nodeNames: [1, 2, 3].map((index) => `${NAME}-simulated-${String(index)}`),
      server: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/) as string,
    });
    expect(state.outputs.kubeconfig).toBeInstanceOf(Secret);
    expect(engine.texts("info").at(-1)).toContain("so no page is served");
    expect(engine.texts("status")).toContain("starting the control plane");
  });

  it("listens on 127.0.0.1 alone", async () => {
    const pids = processesOf(project);
    expect(pids.map(nameOf).sort()).toEqual(
      expect.arrayContaining(COMPONENTS.map((it) => it.slice(0, 15)).sort()),
    );
    expect(await listenAddresses(pids)).toEqual(["127.0.0.1"]);
  });

  it("opens etcd to nobody without a certificate", async () => {
    const { ports } = readRecord(clusterPaths(project.folder, NAME)) ?? {};
    const address = `127.0.0.1:${String(ports?.etcd)}/version`;
    const { certificate: cert, key } = credentialsOf(join(project.clusters, NAME, "kubeconfig"));
    expect(await get(`https://${address}`, { cert, key })).toContain("etcdserver");
    await expect(get(`https://${address}`)).rejects.toThrow(/certificate required/);
    await expect(fetch(`http://${address}`)).rejects.toThrow();
    await expect(get(`https://127.0.0.1:${String(ports?.etcdPeer)}/members`)).rejects.toThrow(
      /certificate required/,
    );
  });

  it("keeps keys and kubeconfig to its user, and the caller's secrets out of every process and log", () => {
    const cluster = join(project.clusters, NAME);
    expect(statSync(cluster).mode & 0o777).toBe(0o700);
    expect(statSync(join(cluster, "kubeconfig")).mode & 0o777).toBe(0o600);
    for (const pid of processesOf(project)) {
      expect(environmentOf(pid)).not.toContain(CANARY);
    }
    const controlPlane = join(cluster, "control-plane", "clusters", "cluster");
    for (const folder of [join(cluster, "logs"), join(controlPlane, "logs")]) {
      const files = readdirSync(folder).map((file) => join(folder, file));
      expect(files.length).toBeGreaterThan(0);
      for (const file of files) expect(readFileSync(file, "utf8")).not.toContain(CANARY);
    }
  });

  it("runs pods, in name, on its nodes", async () => {
    await withApi(project, NAME, async (api) => {
      await createPod(api, "web");
      await eventuallyHolds(async () => {
        const web = await api.call<Pod>("GET", "/api/v1/namespaces/default/pods/web");
        expect(web.status.phase).toBe("Running");
        expect(state.outputs.nodeNames).toContain(web.spec.nodeName);
      });
    });
  });

  it("gives an image its name without building it, since nobody pulls it", async () => {
    const image = await engine.create(IMAGE_URN, imageInputs(NAME));
    expect(image.outputs).toMatchObject({
      reference: expect.stringMatching(
        /^registry\.drydock\.local\/drydock\/web@sha256:[0-9a-f]{64}$/,
      ) as string,
      base: "simulated",
    });
    expect(await engine.diff(IMAGE_URN, image, imageInputs(NAME))).toMatchObject({
      changes: "none",
    });
  });

  it("sees no difference while all runs, and an update in other nodes", async () => {
    expect(await engine.diff(CLUSTER_URN, state, clusterInputs(NAME))).toMatchObject({
      changes: "none",
      detailed: {},
    });
    expect(await engine.diff(CLUSTER_URN, state, clusterInputs(NAME, "auto", 5))).toMatchObject({
      changes: "some",
      detailed: { "nodes.simulated": "UPDATE" },
      replaces: [],
    });
    expect(await engine.diff(CLUSTER_URN, state, clusterInputs("other"))).toMatchObject({
      detailed: { clusterName: "UPDATE_REPLACE" },
      deleteBeforeReplace: true,
    });
  });

  /** The supervisor knows its process, which runs: a new one is noted a moment after it was started. */
  const isLookedAfter = (name: string, pid?: number): boolean => {
    const paths = clusterPaths(project.folder, NAME);
    const known = readSupervision(paths)?.components.find((it) => it.name === name);
    const component = recordedComponents(paths).find((it) => it.name === name);
    const noted = component === undefined ? undefined : componentPid(component);
    return known?.standing === "running" && noted !== undefined && noted === (pid ?? known.pid);
  };

  it("sees killed processes, says which, and revives the cluster with its data", async () => {
    await killEverything(project);
    const difference = await engine.diff(CLUSTER_URN, state, clusterInputs(NAME));
    expect(difference.detailed).toEqual({ status: "UPDATE" });
    expect(engine.texts("warn").at(-1)).toBe(
      `cluster ${NAME} is not running whole (missing: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kwok-controller, agent): the update revives it with its data`,
    );
    expect((await engine.read(CLUSTER_URN, state))?.outputs).toMatchObject({ status: "stopped" });
    const preview = await engine.update(CLUSTER_URN, state, clusterInputs(NAME), { preview: true });
    expect(preview.outputs.server).toBe(state.outputs.server);
    const revived = await engine.update(CLUSTER_URN, state, clusterInputs(NAME));
    expect(revived.outputs.kubeconfig).toEqual(state.outputs.kubeconfig);
    expect((await engine.diff(CLUSTER_URN, revived, clusterInputs(NAME))).changes).toBe("none");
    const web = await withApi(project, NAME, (api) =>
      api.call<Pod>("GET", "/api/v1/namespaces/default/pods/web"),
    );
    expect(web.metadata.name).toBe("web");
  });

  it.each(["kube-scheduler", "kwok-controller"])(
    "leaves a %s that died to the supervisor, and sees no difference in it",
    async (name) => {
      const running = (): number[] => processesOf(project).filter((pid) => nameOf(pid) === name);
      const [killed = 0, ...more] = running();
      expect(more).toEqual([]);
      process.kill(killed, "SIGKILL");
      await eventually(() => !running().includes(killed));
      expect((await engine.diff(CLUSTER_URN, state, clusterInputs(NAME))).changes).toBe("none");
      await eventually(() => running().length === 1 && isLookedAfter(name, running()[0]));
    },
  );

  it("revives a component whose supervisor died with it", async () => {
    await eventually(() => COMPONENTS.every((name) => name === "node" || isLookedAfter(name)));
    const names = ["sh", "node", "kube-scheduler"];
    const killed = processesOf(project).filter((pid) => names.includes(nameOf(pid)));
    expect(killed).toHaveLength(3);
    killed.sort((left, right) => names.indexOf(nameOf(left)) - names.indexOf(nameOf(right)));
    killed.forEach((pid) => process.kill(pid, "SIGKILL"));
    await eventually(() => !processesOf(project).includes(killed[2] ?? 0));
    expect((await engine.diff(CLUSTER_URN, state, clusterInputs(NAME))).detailed).toEqual({
      status: "UPDATE",
    });
    expect(engine.texts("warn").at(-1)).toContain("(missing: kube-scheduler, agent)");
    await engine.update(CLUSTER_URN, state, clusterInputs(NAME));
    expect(processesOf(project).map(nameOf).sort()).toEqual(expect.arrayContaining(names.sort()));
    expect((await engine.diff(CLUSTER_URN, state, clusterInputs(NAME))).changes).toBe("none");
  });

  it("takes other ports where another program holds one meanwhile, and keeps the data", async () => {
    await killEverything(project);
    const { port } = new URL(state.outputs.server as string);
    // What was killed holds it a moment longer.
    const other = await eventually(() => occupy("127.0.0.1", Number(port)).catch(() => undefined));
    onTestFinished(() => stopServer(other));
    const revived = await engine.update(CLUSTER_URN, state, clusterInputs(NAME));
    expect(revived.outputs.server).not.toBe(state.outputs.server);
    const web = await withApi(project, NAME, (api) =>
      api.call<Pod>("GET", "/api/v1/namespaces/default/pods/web"),
    );
    expect(web.metadata.name).toBe("web");
    state = revived;
  });

  it("adds simulated nodes and takes them away", async () => {
    const names = async (): Promise<string[]> =>
      withApi(project, NAME, async (api) =>
        (await api.call<{ items: Pod[] }>("GET", "/api/v1/nodes")).items.map(
          (it) => it.metadata.name,
        ),
      );
    const five = await engine.update(CLUSTER_URN, state, clusterInputs(NAME, "auto", 5));
    expect(five.outputs.nodeNames).toHaveLength(5);
    expect((await names()).sort()).toEqual(five.outputs.nodeNames);
    const back = await engine.update(CLUSTER_URN, five, clusterInputs(NAME));
    expect((await names()).sort()).toEqual(back.outputs.nodeNames);
    expect(back.outputs.nodeNames).toHaveLength(3);
  });

  it("imports a running cluster by its name, and knows one that is not there", async () => {
    const found = await engine.read(CLUSTER_URN, { id: NAME, inputs: {}, outputs: {} });
    expect(found?.inputs).toEqual(clusterInputs(NAME));
    expect(found?.outputs.server).toBe(state.outputs.server);
    const nothing = { id: "not-there", inputs: {}, outputs: {} };
    expect(await engine.read(CLUSTER_URN, nothing)).toBeUndefined();
  });

  it("removes processes and files whole, and a second time without complaint", async () => {
    await engine.delete(CLUSTER_URN, state);
    expect(processesOf(project)).toEqual([]);
    expect(leftovers(project.folder, NAME)).toEqual([]);
    expect(existsSync(project.clusters)).toBe(false);
    await engine.delete(CLUSTER_URN, state);
    expect(await engine.read(CLUSTER_URN, state)).toBeUndefined();
  });
});

async function get(url: string, credentials: RequestOptions = {}): Promise<string> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { ...credentials, rejectUnauthorized: false };
    request(url, options, resolve).once("error", reject).end();
  });
  return text(response);
}
