import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";

import { accessObjects, COLLECTIONS, LABELS } from "../../infra/local/karpenter/access";
import { parseDefinitions } from "../../infra/local/karpenter/definitions";
import { instanceTypes } from "../../infra/local/karpenter/instance-types";
import { KARPENTER, pauseKarpenter } from "../../infra/local/karpenter/lifecycle";
import { chooseEngine } from "../../infra/local/choice";
import { describeChanges } from "../../infra/local/runtime/changes";
import {
  daemonPid,
  recordedComponents,
  startDaemon,
  stopDaemon,
} from "../../infra/local/runtime/daemon";
import { clusterPaths } from "../../infra/local/runtime/paths";
import { describePlan, planFor, requiredTools } from "../../infra/local/runtime/plan";
import type { Probe } from "../../infra/local/runtime/probes";
import {
  type ClusterRecord,
  type ClusterSpec,
  NAMESPACE_PORTS,
  simulatesNodes,
} from "../../infra/local/runtime/spec";
import { differences } from "../../infra/local/provider/difference";
import { checkClusterInputs, clusterSpec } from "../../infra/local/provider/inputs";
import { temporaryFolder } from "../toolchain/support";

const NAMESPACE: Probe[] = [{ name: "namespace", ok: true }];
const NOT_ROOT: Probe[] = [{ name: "root", ok: false, reason: "this user is not root" }];

function spec(autoscaling?: boolean, simulated = 0): ClusterSpec {
  const nodes = { real: "auto", simulated, ...(autoscaling === undefined ? {} : { autoscaling }) };
  return {
    name: "dev",
    kubernetesVersion: "1.36",
    nodes: nodes as ClusterSpec["nodes"],
    loadBalancerAddress: "127.0.0.1",
  };
}

function record(autoscaling: boolean, simulatedNodes = 0): ClusterRecord {
  return {
    uid: "1",
    spec: spec(autoscaling, simulatedNodes),
    kubernetes: "1.36.3",
    realNode: true,
    simulatedNodes,
    autoscaling,
    reasons: [],
    network: { kind: "loopback", address: "127.0.0.1" },
    ports: NAMESPACE_PORTS,
  };
}

describe("the types of nodes that Karpenter chooses from", () => {
  const zones = ["local-a", "local-b"];

  it("cost more the more they have, and are to be had in each zone at one price", () => {
    const types = instanceTypes(zones);
    expect(new Set(types.map(({ name }) => name)).size).toBe(types.length);
    const has = (type: (typeof types)[number]) => [
      Number(type.resources.cpu),
      parseInt(type.resources.memory ?? "", 10),
    ];
    const price = (type: (typeof types)[number]) => type.offerings[0]?.Price ?? NaN;
    const any = fc.constantFrom(...types);
    fc.assert(
      fc.property(any, any, (a, b) => {
        const [cpu = 0, memory = 0] = has(a);
        const [otherCpu = 0, otherMemory = 0] = has(b);
        const smaller = cpu <= otherCpu && memory <= otherMemory && a.name !== b.name;
        expect(!smaller || price(a) < price(b)).toBe(true);
      }),
    );
    for (const { offerings } of types) {
      expect(offerings.flatMap(({ Requirements }) => Requirements[1]?.values)).toEqual(zones);
      expect(new Set(offerings.map(({ Price }) => Price)).size).toBe(1);
    }
  });
});

describe("the rights of Karpenter", () => {
  const objects = accessObjects();
  const rules = objects.flatMap(({ object }) => ("rules" in object ? object.rules : [])) as {
    apiGroups: string[];
    resources: string[];
    verbs: string[];
  }[];

  it("name what they are for, and no Secret, ConfigMap, role or account", () => {
    expect(rules.length).toBeGreaterThan(10);
    const all = rules.flatMap(({ apiGroups, resources, verbs }) => [
      ...apiGroups,
      ...resources,
      ...verbs,
    ]);
    const forbidden = /^\*$|secrets|configmaps|roles|serviceaccounts|impersonate|escalate|bind$/;
    expect(all.filter((name) => forbidden.test(name))).toEqual([]);
  });

  it("are bound to one user by objects that can be found again", () => {
    expect(objects.map(({ object }) => (object as { kind: string }).kind).sort()).toEqual([
      "ClusterRole",
      "ClusterRoleBinding",
      "Role",
      "RoleBinding",
    ]);
    for (const { path, object } of objects) {
      expect(COLLECTIONS.map((collection) => `${collection}/karpenter`)).toContain(path);
      expect(object).toMatchObject({ metadata: { labels: LABELS } });
    }
  });
});

it("the kinds of Karpenter are taken as it prints them, but for what a server says of them", () => {
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    spec: { group: "b" },
  };
  const printed = { ...definition, metadata: { name: "a.b" }, status: {} };
  expect(parseDefinitions(`${JSON.stringify(printed)}\n`)).toEqual([
    {
      path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/a.b",
      object: { ...definition, metadata: { name: "a.b", labels: LABELS } },
    },
  ]);
});

describe("Karpenter, while etcd's data change hands,", () => {
  it("does not run, also not by the supervisor, and comes back as it was", async () => {
    const paths = clusterPaths(temporaryFolder(), "dev");
    const command = { file: "/bin/sleep", args: ["600"] };
    startDaemon(paths, { name: KARPENTER, command });
    onTestFinished(() => stopDaemon(paths, KARPENTER));
    const former = daemonPid(paths, KARPENTER);
    expect(former).toBeDefined();
    const resume = await pauseKarpenter(paths);
    expect(daemonPid(paths, KARPENTER)).toBeUndefined();
    expect(recordedComponents(paths)).toEqual([]);
    resume();
    expect(daemonPid(paths, KARPENTER)).toBeDefined();
    expect(daemonPid(paths, KARPENTER)).not.toBe(former);
    expect(recordedComponents(paths)).toMatchObject([{ name: KARPENTER, command }]);
  });

  it("does not begin to run where it was not to", async () => {
    const paths = clusterPaths(temporaryFolder(), "dev");
    const resume = await pauseKarpenter(paths);
    resume();
    expect(daemonPid(paths, KARPENTER)).toBeUndefined();
    expect(recordedComponents(paths)).toEqual([]);
  });
});

describe("a cluster with Karpenter", () => {
  it("needs its program, and kwok also where no node is simulated yet", () => {
    const plan = planFor(spec(true), NAMESPACE);
    expect(plan).toMatchObject({ realNode: true, simulatedNodes: 0, autoscaling: true });
    expect(requiredTools(plan)).toEqual(expect.arrayContaining(["karpenter", "kwok"]));
    expect(requiredTools(planFor(spec(), NAMESPACE))).not.toContain("karpenter");
    expect(simulatesNodes(plan)).toBe(true);
    expect(describePlan(plan, "1.36.3")).toMatch(/Karpenter adds nodes .*simulated by kwok/);
  });

  it("is refused where it would listen on the machine's own addresses", () => {
    expect(() => planFor(spec(true), NOT_ROOT)).toThrow(
      /does not permit Karpenter[^]*this user is not root[^]*set cluster.nodes.autoscaling.kind to "none"/,
    );
    expect(planFor(spec(false), NOT_ROOT).realNode).toBe(false);
  });

  it("is a native one, for kind's node is not simulated", async () => {
    const machine = {
      probes: () => Promise.resolve<Probe[]>([...NAMESPACE, { name: "iptables", ok: false }]),
      containers: () => Promise.reject(new Error("it must not be asked")),
    };
    const choice = await chooseEngine({ ...spec(true), engine: "auto" }, machine);
    expect(choice).toMatchObject({ engine: "native", plan: { autoscaling: true } });
  });

  it("says what switching it on and off does", () => {
    expect(describeChanges(record(false), spec(true))).toEqual([
      "starts Karpenter, which adds simulated nodes where pods wait for one",
      "restarts the control plane, since kwok comes or goes with them; pods keep running",
    ]);
    expect(describeChanges(record(true, 2), spec(false, 2))).toEqual([
      "removes Karpenter and its nodes, after the eviction of their pods",
    ]);
    expect(describeChanges(record(true), spec(true))).toEqual([]);
  });

  it("differs from one without by one input", () => {
    expect(differences(spec(), spec(false))).toEqual({});
    expect(Object.keys(differences(spec(), spec(true)))).toEqual(["nodes.autoscaling"]);
  });

  it("is asked for by a boolean", () => {
    const inputs = {
      clusterName: "dev",
      kubernetesVersion: "1.36",
      loadBalancerAddress: "127.0.0.1",
    };
    const nodes = { real: "auto", simulated: 0, autoscaling: true };
    expect(clusterSpec({ ...inputs, nodes }).nodes.autoscaling).toBe(true);
    expect(checkClusterInputs({ ...inputs, nodes })).toEqual([]);
    expect(checkClusterInputs({ ...inputs, nodes: { ...nodes, autoscaling: "on" } })).toEqual([
      { property: "nodes.autoscaling", reason: '"on" must be true or false' },
    ]);
  });
});
