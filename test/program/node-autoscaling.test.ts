import { beforeAll, describe, expect, it } from "vitest";

import { localNodePoolSpec } from "../../infra/local/node-autoscaling";
import { nodePoolSpec } from "../../infra/eks/node-pool";
import type { RecordedResource } from "../../review/recording/recorded";
import { asked } from "../policy/support/recorded";
import { askPack } from "../policy/support/pack";
import { recordings, title, updateOf } from "../support/stacks";

const AUTOSCALED = "dev with node autoscaling";
const taint = { key: "kwok.x-k8s.io/node", value: "fake", effect: "NoSchedule" };

describe("node autoscaling of the local cluster", () => {
  let added: RecordedResource[];
  let cluster: RecordedResource | undefined;

  beforeAll(async () => {
    const plain = new Set((await updateOf("dev")).resources.map(title));
    const { resources } = await updateOf(AUTOSCALED);
    added = resources.filter((resource) => !plain.has(title(resource)));
    cluster = resources.find(({ type }) => type === "drydock:local:Cluster");
  });

  const of = (type: string) => added.find((resource) => resource.type === type);

  it("adds exactly a component with a pool and its class", () => {
    expect(added.map(title).sort()).toEqual([
      "drydock:infra:NodeAutoscaling cluster-autoscaling",
      "kubernetes:karpenter.kwok.sh/v1alpha1:KWOKNodeClass cluster-autoscaling-node-class",
      "kubernetes:karpenter.sh/v1:NodePool cluster-autoscaling-node-pool",
    ]);
    expect(cluster?.inputs.nodes).toMatchObject({ autoscaling: true });
  });

  it("lets them go with the cluster, which makes the class first", () => {
    for (const resource of added.filter(({ type }) => type.startsWith("kubernetes:"))) {
      expect(resource.options.deletedWith).toBe(cluster?.urn);
    }
    const pool = of("kubernetes:karpenter.sh/v1:NodePool");
    const nodeClass = of("kubernetes:karpenter.kwok.sh/v1alpha1:KWOKNodeClass");
    expect(pool?.dependencies).toContain(nodeClass?.urn);
  });

  it("keeps pods that must serve off its nodes, and bounds them", () => {
    expect(of("kubernetes:karpenter.sh/v1:NodePool")?.inputs.spec).toEqual({
      template: {
        metadata: { labels: { "topology.kubernetes.io/region": "local" } },
        spec: {
          nodeClassRef: { group: "karpenter.kwok.sh", kind: "KWOKNodeClass", name: "simulated" },
          expireAfter: "Never",
          requirements: [
            { key: "kubernetes.io/os", operator: "In", values: ["linux"] },
            { key: "kubernetes.io/arch", operator: "In", values: ["amd64"] },
            { key: "karpenter.sh/capacity-type", operator: "In", values: ["on-demand"] },
          ],
          taints: [taint],
        },
      },
      disruption: {
        consolidationPolicy: "WhenEmptyOrUnderutilized",
        consolidateAfter: "30s",
        budgets: [{ nodes: "100%" }],
      },
      limits: { cpu: "64", memory: "256Gi" },
    });
  });

  it("changes nothing where it is off", async () => {
    const { resources } = await updateOf("dev");
    const plain = resources.find(({ type }) => type === "drydock:local:Cluster");
    expect(plain?.inputs.nodes).not.toHaveProperty("autoscaling");
  });

  it.each(["preview", "update"] as const)("keeps every policy in a recorded %s", async (mode) => {
    const recording = (await recordings(AUTOSCALED))[mode];
    const found = askPack(asked(recording), {});
    const told = ["exception-reported", "inputs-known"];
    expect(
      found.filter(({ rule, urn }) => !told.includes(rule) && urn.includes("autoscaling")),
    ).toEqual([]);
  });
});

describe("the pool of simulated nodes", () => {
  const args = { cpuLimit: "8", memoryLimit: "1Gi", consolidateAfterSeconds: 0, realNode: true };
  const spec = (nodes: Parameters<typeof localNodePoolSpec>[0]["nodes"], realNode = true) =>
    localNodePoolSpec({ ...args, nodes, realNode }).template;

  it("has the taints and labels of simulated nodes", () => {
    const batch = { key: "example.com/batch", value: "on", effect: "NoSchedule" } as const;
    const labels = { simulated: { "example.com/pool": "spot" } };
    const { metadata, spec: template } = spec({ labels, taints: { simulated: [batch] } });
    expect(template.taints).toEqual([batch]);
    expect(metadata?.labels).toMatchObject(labels.simulated);
  });

  it("has none where every node is simulated, or where none are wanted", () => {
    expect(spec({}, false).spec).not.toHaveProperty("taints");
    expect(spec({ taints: { simulated: [] } }).spec).not.toHaveProperty("taints");
  });

  it("has the shape of production's", () => {
    const place = { tags: {} } as Parameters<typeof nodePoolSpec>[0]["place"];
    const pool = {
      kind: "karpenter",
      architectures: ["amd64"],
      capacity: ["onDemand"],
      cpuLimit: "8",
      memoryLimit: "1Gi",
      expireAfterHours: 24,
    } as const;
    const none = { subnetIds: [], securityGroupId: "", keyArn: "", nodeRoleName: "" };
    const eks = nodePoolSpec(
      {
        ...none,
        place,
        pool: { ...pool, architectures: ["amd64"], capacity: ["onDemand"] },
        kubernetesVersion: "1.36",
        zones: ["a"],
      },
      "default",
    );
    const local = localNodePoolSpec({ ...args, nodes: {} });
    expect(Object.keys(local).sort()).toEqual(Object.keys(eks).sort());
    expect(local.limits).toEqual(eks.limits);
    expect(local.disruption.consolidationPolicy).toBe(eks.disruption.consolidationPolicy);
  });
});
