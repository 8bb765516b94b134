import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { cgroupExists, cgroupPids, createCgroup } from "../../infra/local/runtime/cgroups";
import {
  deleteCluster,
  leftovers,
  otherOwner,
  remnants,
  removeRemnants,
} from "../../infra/local/runtime/delete";
import { mountsBelow } from "../../infra/local/runtime/mounts";
import {
  createNamespace,
  deleteNamespace,
  interfaceName,
  namespacePids,
  planNamespace,
} from "../../infra/local/runtime/network";
import { clusterPaths } from "../../infra/local/runtime/paths";
import { startTime } from "../../infra/local/runtime/process";
import { failureOf, type TestEngine } from "../kubernetes/support/engine";
import { temporaryFolder } from "../toolchain/support";
import { CLUSTER_URN, clusterInputs, listenAddresses, processesOf } from "./support/cluster";
import { asRoot, findProgram } from "./support/host";
import { Project } from "./support/plugin";
import { eventuallyHolds } from "../support/eventually";

const NAME = `t-host-${String(process.pid)}`;

/** Whether anything on this host bears the cluster's name. */
function traces(name: string): string[] {
  return [
    `/run/netns/drydock-${name}`,
    `/run/drydock/${name}`,
    `/sys/class/net/${interfaceName(name)}`,
  ]
    .filter((path) => existsSync(path))
    .concat(cgroupExists(name) ? ["cgroup"] : []);
}

// Namespaces, mounts and cgroups: without root there is nothing to test here.
describe.skipIf(!asRoot)("a cluster that cannot have a real node, as root", () => {
  let project: Project;
  let engine: TestEngine | undefined;

  beforeAll(async () => {
    project = await Project.create();
  });

  afterEach(async () => {
    await engine?.stop();
    engine = undefined;
    await deleteCluster(project.folder, NAME);
  });

  afterAll(() => project.remove());

  it("is simulated in a network namespace of its own where it is asked for", async () => {
    engine = await project.engine();
    const state = await engine.create(CLUSTER_URN, clusterInputs(NAME, "never"));
    expect(state.outputs).toMatchObject({
      servesTraffic: false,
      reasons: ["cluster.nodes.real is never"],
      server: expect.stringMatching(/^https:\/\/10\.213\.\d+\.\d+:6443$/) as string,
    });
    // On the host itself nothing listens at all.
    expect(await listenAddresses(processesOf(project))).toEqual([]);
    const other = temporaryFolder();
    expect(otherOwner(other, NAME)).toBe(join(project.clusters, NAME));
    expect(remnants(other, NAME)).toEqual([]);
    await engine.delete(CLUSTER_URN, state);
    expect(traces(NAME)).toEqual([]);
    expect(processesOf(project)).toEqual([]);
  });

  it("is simulated on loopback where namespaces are not permitted, and says so", async () => {
    const drop = ["--bounding-set=-sys_admin", "--inh-caps=-sys_admin", "--"];
    engine = await project.engine([findProgram("setpriv").path, ...drop]);
    const reason = /^network namespaces are not permitted here \(.*Operation not permitted\)$/;
    expect(await failureOf(engine.create(CLUSTER_URN, clusterInputs(NAME, "always")))).toMatch(
      /^this machine does not permit a real node\n {2}why: network namespaces are not permitted here .*\n {2}fix: /,
    );
    const state = await engine.create(CLUSTER_URN, clusterInputs(NAME));
    expect(state.outputs).toMatchObject({
      servesTraffic: false,
      reasons: [expect.stringMatching(reason)],
    });
    expect(await listenAddresses(processesOf(project))).toEqual(["127.0.0.1"]);
    expect((await engine.diff(CLUSTER_URN, state, clusterInputs(NAME))).changes).toBe("none");
    await engine.delete(CLUSTER_URN, state);
    expect(traces(NAME)).toEqual([]);
    expect(processesOf(project)).toEqual([]);
  });

  it.each([
    ["iptables", "/usr/sbin/iptables", /^iptables does not work in a network namespace here/],
    ["nftables", "/usr/sbin/nft", /^nftables does not work in a network namespace here/],
    ["mount", "/usr/bin/mount", /^mounting a file system is not permitted here/],
  ])("is simulated in a namespace where %s does not work, and says so", async (_, path, reason) => {
    // A mount namespace in which the program is no program.
    const script = `mount --bind /dev/null ${path}; exec "$@"`;
    engine = await project.engine([
      "unshare",
      "--mount",
      "--propagation=private",
      "sh",
      "-c",
      script,
      "sh",
    ]);
    const state = await engine.create(CLUSTER_URN, clusterInputs(NAME));
    expect(state.outputs).toMatchObject({
      servesTraffic: false,
      reasons: [expect.stringMatching(reason)],
      server: expect.stringContaining("https://10.213.") as string,
    });
    await engine.delete(CLUSTER_URN, state);
    expect(traces(NAME)).toEqual([]);
    expect(processesOf(project)).toEqual([]);
  });

  it("is made again where its files were deleted while it ran, after the rest is removed", async () => {
    engine = await project.engine();
    await engine.create(CLUSTER_URN, clusterInputs(NAME, "never"));
    const old = processesOf(project);
    await removeWhileWritten(join(project.folder, ".drydock"));
    await engine.create(CLUSTER_URN, clusterInputs(NAME, "never"), { preview: true });
    expect(engine.texts("info").at(-1)).toMatch(
      /^removes first what is left of an earlier cluster/,
    );
    // A preview ends none of them; one or the other may end itself without its files.
    expect(old.filter((pid) => startTime(pid) !== undefined)).not.toEqual([]);
    const state = await engine.create(CLUSTER_URN, clusterInputs(NAME, "never"));
    expect(engine.texts("info").join("\n")).toMatch(
      new RegExp(`removed what was left of an earlier cluster ${NAME}: \\d process(es)?, network`),
    );
    expect(old.filter((pid) => startTime(pid) !== undefined)).toEqual([]);
    // A component that ends once while the others come up is started again.
    await eventuallyHolds(async () => {
      const diff = await engine?.diff(CLUSTER_URN, state, clusterInputs(NAME, "never"));
      expect(diff?.changes, engine?.texts("warn").at(-1)).toBe("none");
    });
  });
});

/** What comes back from a port nobody listens at: a refusal, where the address is there at all. */
function answerOf(host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    connect({ host, port: 9, timeout: 20_000 })
      .once("error", (error: NodeJS.ErrnoException) => resolve(error.code))
      .once("timeout", () => resolve("nothing"));
  });
}

describe.skipIf(!asRoot)("a cluster's link to the host", () => {
  afterEach(async () => {
    await deleteNamespace(`drydock-${NAME}`, interfaceName(NAME));
  });

  it("is made anew where the one of an earlier namespace has not gone yet", async () => {
    const network = await planNamespace(NAME);
    await createNamespace(network);
    // Without its name a namespace lives on, with its link, as long as a process is in it.
    const holder = spawn("nsenter", [`--net=/run/netns/${network.namespace}`, "sleep", "600"]);
    try {
      const inside = () => expect(namespacePids(network.namespace)).toContain(holder.pid);
      await eventuallyHolds(inside);
      await findProgram("ip").run("netns", "delete", network.namespace);
      expect(traces(NAME)).toEqual([`/sys/class/net/${network.hostInterface}`]);
      await createNamespace(network);
      expect(await answerOf(network.address)).toBe("ECONNREFUSED");
      // Twice is as good as once.
      await createNamespace(network);
      expect(await answerOf(network.address)).toBe("ECONNREFUSED");
    } finally {
      holder.kill("SIGKILL");
    }
  });
});

describe.skipIf(!asRoot)("a cluster whose folder somebody deleted", () => {
  let former: string;
  let sleeper: ChildProcess;

  /** What a cluster of a project that is gone leaves on the host, with a process in each part. */
  beforeEach(async () => {
    former = join(temporaryFolder(), "former");
    const { root, run } = clusterPaths(former, NAME);
    const network = await planNamespace(NAME);
    await createNamespace(network);
    createCgroup(NAME);
    mkdirSync(join(run, "ns"), { recursive: true, mode: 0o700 });
    writeFileSync(join(run, "owner"), root);
    await findProgram("mount").run("-t", "tmpfs", "tmpfs", join(run, "ns"));
    sleeper = spawn("nsenter", [`--net=/run/netns/${network.namespace}`, "sleep", "600"]);
    await eventuallyHolds(() => expect(namespacePids(network.namespace)).toContain(sleeper.pid));
    const hierarchy = existsSync("/sys/fs/cgroup/cgroup.procs") ? "" : "memory/";
    // As a pod's: with v2 the cluster's own passes its controllers on, and holds no process.
    const pod = `/sys/fs/cgroup/${hierarchy}drydock-${NAME}/pod`;
    mkdirSync(pod);
    writeFileSync(join(pod, "cgroup.procs"), String(sleeper.pid));
    expect(cgroupPids(NAME)).toEqual([sleeper.pid]);
  });

  afterEach(async () => {
    sleeper.kill("SIGKILL");
    await removeRemnants(temporaryFolder(), NAME);
  });

  it("does not hold its name, and is removed whole, with a word about it", async () => {
    const project = temporaryFolder();
    const { run } = clusterPaths(project, NAME);
    expect(otherOwner(project, NAME)).toBeUndefined();
    const left = [
      `process ${String(sleeper.pid)}`,
      `mount ${join(run, "ns")}`,
      `network namespace drydock-${NAME}`,
      `cgroup of ${NAME}`,
    ];
    expect(remnants(project, NAME)).toEqual(left);
    // Nothing of it is this project's own.
    expect(leftovers(project, NAME)).toEqual([]);
    const notices: string[] = [];
    await removeRemnants(project, NAME, (line) => notices.push(line));
    expect(notices).toEqual([
      `removed what was left of an earlier cluster ${NAME}: 1 process, ${left.slice(1).join(", ")}`,
    ]);
    expect(traces(NAME)).toEqual([]);
    expect(mountsBelow("/run/drydock").filter((path) => path.includes(NAME))).toEqual([]);
    await eventuallyHolds(() => expect(startTime(sleeper.pid ?? 0)).toBeUndefined());
    await removeRemnants(project, NAME, (line) => notices.push(line));
    expect(notices).toHaveLength(1);
  });

  it("holds its name as long as its folder has its record, and nobody else removes it", async () => {
    const { root } = clusterPaths(former, NAME);
    const project = temporaryFolder();
    mkdirSync(root, { recursive: true });
    // The node makes folders again that somebody deleted: only the record makes it a cluster.
    expect(otherOwner(project, NAME)).toBeUndefined();
    writeFileSync(join(root, "cluster.json"), JSON.stringify({ spec: { name: NAME } }));
    expect(otherOwner(project, NAME)).toBe(root);
    expect(remnants(project, NAME)).toEqual([]);
    await removeRemnants(project, NAME);
    await deleteCluster(project, NAME);
    expect(traces(NAME)).toHaveLength(4);
    expect(readFileSync(`/proc/${String(sleeper.pid)}/comm`, "utf8")).toBe("sleep\n");
    rmSync(root, { recursive: true });
  });
});

/** etcd and its supervisor still write there: what they make anew is removed as well. */
async function removeWhileWritten(folder: string): Promise<void> {
  for (let attempt = 0; existsSync(folder); attempt += 1) {
    try {
      rmSync(folder, { recursive: true });
    } catch (error) {
      if (attempt === 100) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
