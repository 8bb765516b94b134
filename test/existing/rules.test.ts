import { describe, expect, it } from "vitest";

import { ingressOf } from "../../infra/existing/detect/ingress";
import { type LoadBalancerFacts, loadBalancerOf } from "../../infra/existing/detect/load-balancer";
import { networkPolicyOf } from "../../infra/existing/detect/network-policy";
import {
  architecturesOf,
  isSimulated,
  storageClassOf,
  zonesOf,
} from "../../infra/existing/detect/nodes";
import type { DaemonSet, Node, Service } from "../../infra/existing/detect/objects";

function node(providerID: string, metadata: Partial<Node["metadata"]> = {}): Node {
  return { metadata: { name: "node", ...metadata }, spec: { providerID } };
}

const k3s = (...args: string[]) =>
  node("k3s://node", { annotations: { "k3s.io/node-args": JSON.stringify(["server", ...args]) } });

const service = (loadBalancerClass?: string): Service => ({
  metadata: { name: "web", namespace: "shop" },
  spec: { type: "LoadBalancer", ...(loadBalancerClass === undefined ? {} : { loadBalancerClass }) },
  status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } },
});

describe("the load balancer of a cluster", () => {
  const found = (facts: Partial<LoadBalancerFacts>) =>
    loadBalancerOf({ nodes: [], services: [], workloads: new Set(), addressPools: [], ...facts });
  const plain = { annotations: {} };

  it.each<[string, Partial<LoadBalancerFacts>, unknown, string]>([
    ["an empty cluster", {}, undefined, "no controller is known, and no Service has an address"],
    ["kind", { nodes: [node("kind://docker/dev/dev-control-plane")] }, undefined, "no controller"],
    ["k3s and k3d", { nodes: [k3s()] }, plain, "ServiceLB of k3s"],
    [
      "k3s without ServiceLB",
      { nodes: [k3s("--disable", "servicelb")] },
      undefined,
      "no controller",
    ],
    [
      "a local cluster of drydock",
      { nodes: [node("drydock://dev/node")] },
      plain,
      "drydock's local",
    ],
    ["a cloud", { nodes: [node("gce://project/zone/vm")] }, plain, "the cloud of the nodes, gce"],
    ["MetalLB", { addressPools: ["MetalLB"] }, plain, "the address pools of MetalLB"],
    ["kube-vip", { workloads: new Set(["kube-vip-ds"]) }, plain, "the controller kube-vip-ds"],
    [
      "EKS with its controller, whatever the cloud",
      {
        nodes: [node("aws:///eu-west-1a/i-0")],
        workloads: new Set(["aws-load-balancer-controller"]),
        services: [service()],
      },
      { annotations: {}, className: "service.k8s.aws/nlb" },
      "the AWS Load Balancer Controller",
    ],
    [
      "EKS Auto Mode",
      { nodes: [node("aws:///x/i-0", { labels: { "eks.amazonaws.com/compute-type": "auto" } })] },
      { annotations: {}, className: "eks.amazonaws.com/nlb" },
      "EKS Auto Mode",
    ],
    [
      "a Service that has an address",
      { services: [service()] },
      plain,
      "that Service shop/web has",
    ],
    [
      "a Service that has one from a class",
      { services: [service("example.com/lb")] },
      { annotations: {}, className: "example.com/lb" },
      "that Service shop/web has",
    ],
    [
      "a Service that waits for one",
      { services: [{ ...service(), status: { loadBalancer: {} } }] },
      undefined,
      "no Service has an address",
    ],
    [
      "a Service of another type with an address",
      { services: [{ ...service(), spec: { type: "ClusterIP" } }] },
      undefined,
      "no Service has an address",
    ],
  ])("of %s", (_, facts, value, sign) => {
    const finding = found(facts);
    expect(finding.value).toEqual(value);
    expect(finding.sign).toContain(sign);
  });
});

describe("the ingress controller of a cluster", () => {
  const ingressClass = (name: string, controller: string, isDefault = false) => ({
    metadata: {
      name,
      annotations: { "ingressclass.kubernetes.io/is-default-class": String(isDefault) },
    },
    spec: { controller },
  });
  const traefik = ingressClass("traefik", "traefik.io/ingress-controller");
  const alb = ingressClass("alb", "ingress.k8s.aws/alb");
  const plain = (className: string) => ({ className, annotations: {}, tls: false });

  it.each([
    ["none", [], undefined, "no IngressClass"],
    ["the only class", [traefik], plain("traefik"), "traefik"],
    [
      "the default of several",
      [alb, { ...traefik, ...ingressClass("nginx", "x", true) }],
      plain("nginx"),
      "nginx",
    ],
    ["several without a default", [alb, traefik], undefined, "none of alb, traefik is the default"],
    [
      "that of AWS, which must be told to send to pods",
      [alb],
      {
        ...plain("alb"),
        annotations: { "alb.ingress.kubernetes.io/target-type": "ip" },
        healthPathAnnotation: "alb.ingress.kubernetes.io/healthcheck-path",
      },
      "alb",
    ],
  ])("is %s", (_, classes, value, sign) => {
    expect(ingressOf(classes)).toEqual({ value, sign });
  });
});

describe("network policies of a cluster", () => {
  const daemonSet = (name: string, container: object = {}, numberReady = 1): DaemonSet => ({
    metadata: { name, namespace: "kube-system" },
    spec: { template: { spec: { containers: [container] } } },
    status: { numberReady },
  });
  const found = (daemonSets: DaemonSet[], nodes: Node[] = [], ciliumPolicy?: string) =>
    networkPolicyOf({ daemonSets, nodes, ciliumPolicy });

  it.each<[string, boolean, DaemonSet[], Node[], string | undefined]>([
    ["without a known plugin", false, [daemonSet("kube-flannel-ds")], [], undefined],
    ["with Calico", true, [daemonSet("kube-proxy"), daemonSet("calico-node")], [], undefined],
    ["with Calico that does not run", false, [daemonSet("calico-node", {}, 0)], [], undefined],
    ["on a local cluster", true, [], [node("drydock://dev/dev-node-1")], undefined],
    ["with Cilium", true, [daemonSet("cilium")], [], "default"],
    ["with Cilium told never to", false, [daemonSet("cilium")], [], "never"],
    ["with kube-router", true, [daemonSet("kube-router")], [], undefined],
    [
      "with kube-router without its firewall",
      false,
      [daemonSet("kube-router", { args: ["--run-firewall=false"] })],
      [],
      undefined,
    ],
    [
      "with the Amazon VPC CNI and its agent",
      true,
      [daemonSet("aws-node", { args: ["--enable-network-policy=true"] })],
      [],
      undefined,
    ],
    [
      "with the Amazon VPC CNI alone",
      false,
      [daemonSet("aws-node", { args: ["--enable-network-policy=false"] })],
      [],
      undefined,
    ],
    [
      "with kindnet that enforces",
      true,
      [daemonSet("kindnet", { image: "docker.io/kindest/kindnetd:v20250512-df8de77b" })],
      [],
      undefined,
    ],
    [
      "with kindnet of old",
      false,
      [daemonSet("kindnet", { image: "docker.io/kindest/kindnetd:v20240202-8f1494ea" })],
      [],
      undefined,
    ],
    ["with k3s", true, [], [k3s()], undefined],
    ["with k3s told not to", false, [], [k3s("--disable-network-policy")], undefined],
  ])("%s: %s", (_, enforced, daemonSets, nodes, ciliumPolicy) => {
    const finding = found(daemonSets, nodes, ciliumPolicy);
    expect(finding.value).toBe(enforced);
    expect(finding.sign).not.toBe("");
  });
});

describe("nodes and classes", () => {
  const labelled = (zone: string, architecture: string): Node => ({
    ...node("", { labels: { "topology.kubernetes.io/zone": zone } }),
    status: { nodeInfo: { architecture } },
  });

  it("give zones and architectures once each, sorted", () => {
    const nodes = [
      labelled("b", "arm64"),
      labelled("a", "amd64"),
      labelled("b", "amd64"),
      node(""),
    ];
    expect(zonesOf(nodes)).toEqual(["a", "b"]);
    expect(zonesOf(nodes.slice(0, 1))).toEqual([]);
    const taints = [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }];
    const tainted = { ...labelled("c", "amd64"), spec: { taints } };
    expect(zonesOf([...nodes, tainted])).toEqual(["a", "b"]);
    const notReady = [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }];
    expect(zonesOf([...nodes, { ...tainted, spec: { taints: notReady } }])).toEqual([
      "a",
      "b",
      "c",
    ]);
    expect(architecturesOf(nodes)).toEqual(["amd64", "arm64"]);
  });

  it("tell kwok's nodes from real ones", () => {
    expect(isSimulated(node("", { annotations: { "kwok.x-k8s.io/node": "fake" } }))).toBe(true);
    expect(isSimulated(node("", { labels: { type: "kwok" } }))).toBe(true);
    expect(isSimulated(node("kind://x"))).toBe(false);
  });

  it("give the newest default StorageClass, as Kubernetes takes it", () => {
    const storageClass = (name: string, creationTimestamp: string, isDefault: string) => ({
      metadata: {
        name,
        creationTimestamp,
        annotations: { "storageclass.kubernetes.io/is-default-class": isDefault },
      },
    });
    const classes = [
      storageClass("old", "2025-01-01T00:00:00Z", "true"),
      storageClass("new", "2026-01-01T00:00:00Z", "true"),
      storageClass("newest", "2026-02-01T00:00:00Z", "false"),
    ];
    expect(storageClassOf(classes).value).toBe("new");
    expect(storageClassOf(classes.slice(2)).value).toBeUndefined();
  });
});
