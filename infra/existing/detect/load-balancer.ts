import type { LoadBalancerCapability } from "../../cluster";
import { type Finding, k3sWithout, type Node, providerOf, type Service } from "./objects";

export interface LoadBalancerFacts {
  readonly nodes: readonly Node[];
  readonly services: readonly Service[];
  /** Names of Deployments and DaemonSets. */
  readonly workloads: ReadonlySet<string>;
  /** Whose address pools there are. */
  readonly addressPools: readonly ("MetalLB" | "Cilium")[];
}

const PLAIN: LoadBalancerCapability = { annotations: {} };

/** Schemes of `spec.providerID` whose cloud controller serves a Service without a class. */
const CLOUDS = new Set([
  "aws",
  "azure",
  "brightbox",
  "civo",
  "cloudstack",
  "digitalocean",
  "exoscale",
  "gce",
  "hcloud",
  "ibm",
  "ionos",
  "linode",
  "oci",
  "openstack",
  "ovhcloud",
  "scaleway",
  "upcloud",
  "vultr",
]);

/** Controllers that serve a Service without a class. Others need an address pool first, which says more. */
const CONTROLLERS = ["kube-vip", "kube-vip-ds", "kube-vip-cloud-provider", "openelb-manager"];

/** The first rule that fits decides: what is known of a controller says more than that an address was given. */
export function loadBalancerOf(
  facts: LoadBalancerFacts,
): Finding<LoadBalancerCapability | undefined> {
  const { nodes, services, workloads, addressPools } = facts;
  if (workloads.has("aws-load-balancer-controller")) {
    return { value: classed("service.k8s.aws/nlb"), sign: "the AWS Load Balancer Controller" };
  }
  if (
    nodes.some(({ metadata }) => metadata.labels?.["eks.amazonaws.com/compute-type"] === "auto")
  ) {
    return { value: classed("eks.amazonaws.com/nlb"), sign: "EKS Auto Mode" };
  }
  const [pool] = addressPools;
  if (pool !== undefined) return { value: PLAIN, sign: `the address pools of ${pool}` };
  const controller = CONTROLLERS.find((name) => workloads.has(name));
  if (controller !== undefined) return { value: PLAIN, sign: `the controller ${controller}` };
  const cloud = nodes.map(providerOf).find((provider) => CLOUDS.has(provider));
  if (cloud !== undefined) return { value: PLAIN, sign: `the cloud of the nodes, ${cloud}` };
  const builtIn = builtInController(nodes);
  if (builtIn !== undefined) return { value: PLAIN, sign: builtIn };
  const served = services.find(hasAddress);
  if (served !== undefined) {
    const { name, namespace = "default" } = served.metadata;
    const className = served.spec?.loadBalancerClass;
    return {
      value: className === undefined ? PLAIN : classed(className),
      sign: `the address that Service ${namespace}/${name} has`,
    };
  }
  return { value: undefined, sign: "no controller is known, and no Service has an address" };
}

function builtInController(nodes: readonly Node[]): string | undefined {
  const providers = new Set(nodes.map(providerOf));
  if (providers.has("drydock")) return "the agent of drydock's local cluster";
  return providers.has("k3s") && !k3sWithout(nodes, "servicelb") ? "ServiceLB of k3s" : undefined;
}

function classed(className: string): LoadBalancerCapability {
  return { annotations: {}, className };
}

function hasAddress({ spec, status }: Service): boolean {
  const ingress = status?.loadBalancer?.ingress ?? [];
  return spec?.type === "LoadBalancer" && ingress.length > 0;
}
