import { type DaemonSet, type Finding, k3sWithout, type Node, providerOf } from "./objects";

/** DaemonSets of network plugins that enforce a NetworkPolicy unless they are told not to. */
const ENFORCING: Readonly<Record<string, string>> = {
  anetd: "GKE Dataplane V2",
  "antrea-agent": "Antrea",
  "azure-npm": "Azure Network Policy Manager",
  "calico-node": "Calico",
  canal: "Canal",
  cilium: "Cilium",
  "kube-network-policies": "kube-network-policies",
  "kube-ovn-cni": "Kube-OVN",
  "kube-router": "kube-router",
  "ovnkube-node": "OVN-Kubernetes",
  "rke2-canal": "Canal",
  "weave-net": "Weave Net",
};

/** kind's plugin enforces since kind 0.24, whose image has this date in its tag. */
const KINDNET_SINCE = 20_240_813;

export interface NetworkPolicyFacts {
  readonly nodes: readonly Node[];
  readonly daemonSets: readonly DaemonSet[];
  /** `enable-policy` of Cilium's configuration; undefined where there is none. */
  readonly ciliumPolicy: string | undefined;
}

/** Whether a NetworkPolicy is enforced: no API says so, the running network plugin must be known. */
export function networkPolicyOf(facts: NetworkPolicyFacts): Finding<boolean> {
  const running = facts.daemonSets.filter(({ status }) => (status?.numberReady ?? 0) > 0);
  for (const daemonSet of running) {
    const finding = byPlugin(daemonSet, facts.ciliumPolicy);
    if (finding !== undefined) return finding;
  }
  if (facts.nodes.some((node) => providerOf(node) === "drydock")) {
    return { value: true, sign: "the agent of a local cluster of drydock" };
  }
  if (facts.nodes.some((node) => providerOf(node) === "k3s")) {
    const off = k3sWithout(facts.nodes, "disable-network-policy");
    return { value: !off, sign: off ? "switched off in k3s" : "k3s" };
  }
  return { value: false, sign: "no network plugin that enforces them is known" };
}

function byPlugin(daemonSet: DaemonSet, ciliumPolicy?: string): Finding<boolean> | undefined {
  const { name } = daemonSet.metadata;
  const containers = daemonSet.spec?.template?.spec?.containers ?? [];
  if (name === "kindnet") return kindnet(containers[0]?.image ?? "");
  if (name === "aws-node") {
    const args = containers.flatMap((container) => container.args ?? []);
    const value = args.includes("--enable-network-policy=true");
    return { value, sign: `the Amazon VPC CNI, whose policy agent is ${value ? "on" : "off"}` };
  }
  if (name === "cilium" && ciliumPolicy === "never") {
    return { value: false, sign: "Cilium, told never to enforce them" };
  }
  if (
    name === "kube-router" &&
    containers.some(({ args }) => args?.includes("--run-firewall=false"))
  ) {
    return { value: false, sign: "kube-router, its firewall switched off" };
  }
  const plugin = ENFORCING[name];
  return plugin === undefined ? undefined : { value: true, sign: plugin };
}

function kindnet(image: string): Finding<boolean> {
  const date = Number(/:v(\d{8})-/.exec(image)?.[1] ?? 0);
  return { value: date >= KINDNET_SINCE, sign: `kindnet (${image.replace(/@.*/, "")})` };
}
