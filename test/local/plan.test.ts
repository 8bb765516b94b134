import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { describePlan, planFor, requiredTools } from "../../infra/local/runtime/plan";
import {
  failedReasons,
  type Probe,
  probeCgroup,
  probeHost,
} from "../../infra/local/runtime/probes";
import type { ClusterSpec } from "../../infra/local/runtime/spec";
import { temporaryFolder } from "../toolchain/support";
import { asRoot, findProgram, ROOT_REASON } from "./support/host";

const GOOD: Probe[] = [
  { name: "namespace", ok: true },
  { name: "iptables", ok: true },
  { name: "nftables", ok: true },
  { name: "mount", ok: true },
  { name: "overlayfs", ok: true },
  { name: "cgroup", ok: true },
];
const NOT_ROOT: Probe[] = [{ name: "root", ok: false, reason: "this user is not root" }];
const TWO_FAILED: Probe[] = [
  { name: "namespace", ok: true },
  { name: "iptables", ok: false, reason: "iptables does not work" },
  { name: "overlayfs", ok: false, reason: "overlayfs cannot be mounted" },
];

function spec(real: ClusterSpec["nodes"]["real"], simulated = 0): ClusterSpec {
  const nodes = { real, simulated };
  return { name: "dev", kubernetesVersion: "1.36", nodes, loadBalancerAddress: "127.0.0.1" };
}

describe("the plan of a cluster", () => {
  it("has a real node and no simulated one where everything is permitted", () => {
    expect(planFor(spec("auto"), GOOD)).toEqual({
      realNode: true,
      simulatedNodes: 0,
      reasons: [],
      namespace: true,
    });
  });

  it("falls back to three simulated nodes on the host's loopback, with the reason", () => {
    expect(planFor(spec("auto"), NOT_ROOT)).toEqual({
      realNode: false,
      simulatedNodes: 3,
      reasons: ["this user is not root"],
      namespace: false,
    });
  });

  it("keeps a namespace of its own where that much is permitted, and names every failed probe", () => {
    const plan = planFor(spec("auto", 7), TWO_FAILED);
    expect(plan).toMatchObject({ realNode: false, simulatedNodes: 7, namespace: true });
    expect(plan.reasons).toEqual(["iptables does not work", "overlayfs cannot be mounted"]);
  });

  it("simulates because it was asked to, also where a real node were permitted", () => {
    const plan = planFor(spec("never"), GOOD);
    expect(plan).toMatchObject({ realNode: false, simulatedNodes: 3, namespace: true });
    expect(plan.reasons).toEqual(["cluster.nodes.real is never"]);
  });

  it("refuses where a real node is demanded and cannot be had: reasons and fix in the error", () => {
    expect(() => planFor(spec("always"), TWO_FAILED)).toThrow(
      [
        "this machine does not permit a real node",
        "  why: iptables does not work; overlayfs cannot be mounted",
        "  fix: mend that, or set cluster.nodes.real to auto or never",
      ].join("\n"),
    );
    expect(planFor(spec("always", 2), GOOD)).toMatchObject({ realNode: true, simulatedNodes: 2 });
  });
});

describe("the plan in words", () => {
  const CONTROL_PLANE =
    "Kubernetes 1.36.3: control plane (etcd, kube-apiserver, kube-controller-manager, kube-scheduler)";

  it.each([
    [
      planFor(spec("auto"), GOOD),
      `${CONTROL_PLANE}, 1 real node (containerd, runc, kubelet, kube-proxy).`,
    ],
    [
      planFor(spec("auto", 50), GOOD),
      `${CONTROL_PLANE}, 1 real node (containerd, runc, kubelet, kube-proxy) and 50 simulated by kwok.`,
    ],
    [
      planFor(spec("auto"), NOT_ROOT),
      `${CONTROL_PLANE}, no real node and 3 simulated by kwok. Simulated nodes run no containers, so no page is served. Reason: this user is not root.`,
    ],
  ])("says what is real, what is simulated, and why", (plan, words) => {
    expect(describePlan(plan, "1.36.3")).toBe(words);
  });
});

describe("the tools that a plan takes", () => {
  it("are the control plane's and the node's for a real node, kwok only where nodes are simulated", () => {
    const tools = requiredTools(planFor(spec("auto"), GOOD));
    expect(tools).toEqual(expect.arrayContaining(["etcd", "kubelet", "runc", "crane"]));
    expect(tools).not.toContain("kwok");
    expect(requiredTools(planFor(spec("auto", 1), GOOD))).toContain("kwok");
  });

  it("leave out everything of the node where nodes are simulated", () => {
    expect(requiredTools(planFor(spec("never"), GOOD))).toEqual([
      "etcd",
      "etcdctl",
      "etcdutl",
      "kube-apiserver",
      "kube-controller-manager",
      "kube-scheduler",
      "kubectl",
      "kwokctl",
      "kwok",
    ]);
  });
});

describe("the probes of this machine", () => {
  it("say in one sentence that an ordinary user gets no real node", async ({ skip }) => {
    skip(asRoot, "this is run as root; the plugin's own test runs it as another user");
    expect(failedReasons(await probeHost())).toEqual([
      "a real node needs root, and this user is not root (use sudo for a real one)",
    ]);
  });

  it.for([
    ["ip", "network namespaces are not permitted here"],
    ["iptables", "iptables does not work in a network namespace here"],
    ["nft", "nftables does not work in a network namespace here"],
    ["mount", "mounting a file system is not permitted here"],
  ])(
    "name %s where it is not installed, and the packages to install",
    async ([missing, what], { skip }) => {
      skip(!asRoot, ROOT_REASON);
      const reasons = failedReasons(await probeHost(pathWithout(missing ?? "")));
      expect(reasons).toEqual([
        `${what ?? ""} (${missing ?? ""} is not installed: apt-get install iproute2 iptables nftables util-linux mount)`,
      ]);
    },
  );

  it("name the controllers that control groups of v2 lack", ({ skip }) => {
    const unified = "/sys/fs/cgroup/unified";
    const controllers = join(unified, "cgroup.controllers");
    skip(!asRoot, ROOT_REASON);
    skip(!existsSync(controllers), "control groups are not of v1 and v2 at once here");
    expect(probeCgroup(unified)).toEqual({
      name: "cgroup",
      ok: false,
      reason: `control groups cannot be made here (${unified} has no controller cpu, cpuset, memory, pids)`,
    });
    expect(readdirSync(unified).filter((name) => name.startsWith("drydock-probe-"))).toEqual([]);
  });

  it("leave nothing behind", async ({ skip }) => {
    skip(!asRoot, ROOT_REASON);
    await probeHost();
    const { stdout } = await findProgram("ip").run("netns", "list");
    expect(stdout).not.toContain(`drydock-probe-${String(process.pid)}`);
  });
});

/** A folder with the programs that the probes call, but one. */
function pathWithout(missing: string): string {
  const folder = join(temporaryFolder(), "bin");
  mkdirSync(folder);
  for (const name of ["ip", "nsenter", "iptables", "nft", "mount", "umount"]) {
    if (name !== missing) {
      symlinkSync(findProgram(name).path, join(folder, name));
    }
  }
  return folder;
}
