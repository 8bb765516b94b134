import { EKS_POD_IDENTITY } from "../../identity/capability";
import type { Detection, ExistingClusterArgs } from "../detection";
import { ApiServer } from "./api-server";
import { ingressOf } from "./ingress";
import { selectContext, type Selected } from "./kubeconfig";
import { loadBalancerOf } from "./load-balancer";
import { networkPolicyOf } from "./network-policy";
import { architecturesOf, isSimulated, storageClassOf, zonesOf } from "./nodes";
import type {
  DaemonSet,
  IngressClass,
  KubernetesObject,
  Node,
  Service,
  StorageClass,
} from "./objects";
import { requireIdentity, requireRights, requireVersion } from "./requirements";

/**
 * Finds out what a cluster is and offers. Reads, and changes nothing.
 * @throws ExistingClusterError for all that a user can mend
 */
export async function detect(args: ExistingClusterArgs, signal: AbortSignal): Promise<Detection> {
  const selected = selectContext(args);
  const api = await ApiServer.open(selected, signal);
  try {
    const { gitVersion } = await api.get<{ gitVersion: string }>("/version");
    const version = gitVersion.replace(/^v/, "");
    requireVersion(version, selected.where);
    await requireRights(api, selected.where);
    const { metadata } = await api.get<KubernetesObject>("/api/v1/namespaces/kube-system");
    const uid = metadata.uid ?? "";
    requireIdentity(uid, args.identity, selected.where);
    return describe({ selected, version, uid, ...(await facts(api)) });
  } finally {
    api.close();
  }
}

interface Facts {
  readonly nodes: readonly Node[];
  readonly services: readonly Service[];
  readonly daemonSets: readonly DaemonSet[];
  readonly storageClasses: readonly StorageClass[];
  readonly ingressClasses: readonly IngressClass[];
  readonly workloads: ReadonlySet<string>;
  readonly addressPools: readonly ("MetalLB" | "Cilium")[];
  readonly ciliumPolicy: string | undefined;
}

async function facts(api: ApiServer): Promise<Facts> {
  const [nodes, services, daemonSets, deployments, storageClasses, ingressClasses, ...others] =
    await Promise.all([
      api.list<Node>("/api/v1/nodes"),
      api.list<Service>("/api/v1/services"),
      api.list<DaemonSet>("/apis/apps/v1/daemonsets"),
      api.list<KubernetesObject>("/apis/apps/v1/deployments"),
      api.list<StorageClass>("/apis/storage.k8s.io/v1/storageclasses"),
      api.list<IngressClass>("/apis/networking.k8s.io/v1/ingressclasses"),
      api.list("/apis/metallb.io/v1beta1/ipaddresspools"),
      api.list("/apis/cilium.io/v2/ciliumloadbalancerippools"),
      api.find<{ data?: Record<string, string> }>(
        "/api/v1/namespaces/kube-system/configmaps/cilium-config",
      ),
    ]);
  const [metallb, cilium, config] = others;
  const workloads = [...daemonSets, ...deployments].map(({ metadata }) => metadata.name);
  return {
    nodes,
    services,
    daemonSets,
    storageClasses,
    ingressClasses,
    workloads: new Set(workloads),
    addressPools: [
      ...(metallb.length > 0 ? (["MetalLB"] as const) : []),
      ...(cilium.length > 0 ? (["Cilium"] as const) : []),
    ],
    ciliumPolicy: config?.data?.["enable-policy"],
  };
}

type Found = Facts & {
  readonly selected: Selected;
  readonly version: string;
  readonly uid: string;
};

function describe({ selected, version, uid, ...found }: Found): Detection {
  const { nodes, daemonSets, workloads } = found;
  const { context, server, text } = selected;
  const loadBalancer = loadBalancerOf(found);
  const ingress = ingressOf(found.ingressClasses);
  const networkPolicy = networkPolicyOf({ nodes, daemonSets, ciliumPolicy: found.ciliumPolicy });
  const storageClass = storageClassOf(found.storageClasses);
  const podIdentity = workloads.has("eks-pod-identity-agent");
  const zones = zonesOf(nodes);
  const simulated = nodes.filter(isSimulated).length;
  const architectures = architecturesOf(nodes.filter((node) => !isSimulated(node)));
  const lines = [
    `Uses the cluster of ${selected.where}: Kubernetes ${version}, ${nodeCount(nodes.length, simulated)}. It is neither created nor deleted.`,
    `load balancer: ${loadBalancer.value === undefined ? "none" : "yes"} (${loadBalancer.sign})`,
    `ingress: ${ingress.value === undefined ? "none" : "IngressClass"} (${ingress.sign})`,
    `volumes: ${storageClass.value === undefined ? "none" : "StorageClass"} (${storageClass.sign})`,
    `network policies: ${networkPolicy.value ? "enforced" : "not enforced"} (${networkPolicy.sign})`,
    `pod identity: ${podIdentity ? "yes (the EKS Pod Identity agent)" : "no"}`,
    `zones: ${zones.length === 0 ? "one place" : zones.join(", ")}`,
  ];
  return {
    context,
    server,
    uid,
    version,
    kubeconfig: text,
    capabilities: {
      loadBalancer: loadBalancer.value,
      ingress: ingress.value,
      storageClass: storageClass.value,
      networkPolicy: networkPolicy.value,
      podIdentity: podIdentity ? EKS_POD_IDENTITY : undefined,
      // Nobody says whether a driver that is there may read what an app names.
      externalSecrets: false,
      zones,
    },
    servesTraffic: nodes.length === 0 || simulated < nodes.length,
    architectures,
    summary: lines.join("\n  "),
  };
}

function nodeCount(nodes: number, simulated: number): string {
  const count = nodes === 1 ? "1 node" : `${String(nodes)} nodes`;
  if (simulated === 0) return count;
  return simulated === nodes
    ? `${count}, all simulated by kwok: no page is served`
    : `${count}, ${String(simulated)} of them simulated by kwok`;
}
