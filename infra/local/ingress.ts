import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { INGRESS_NAMESPACE as NAMESPACE } from "../../config/entries";
import { exceptions } from "../../policy/exceptions";
import type { IngressCapability } from "../cluster";
import { SKIPPER_PORT } from "../images/system";
import { WorkloadNamespace } from "../platform/namespace";
import { HTTP, INGRESS_CLASS, podSpec } from "./ingress-pods";
import { ONE_POD, TOGETHER } from "./one-node";
import { INGRESS_CONTROLLER } from "./runtime/spec";

const NAME = "skipper";
const SELECTOR = { "app.kubernetes.io/name": NAME };
const LABELS = { ...SELECTOR, "app.kubernetes.io/part-of": "drydock" };
const METADATA = { name: NAME, namespace: NAMESPACE, labels: LABELS };
const RBAC = "rbac.authorization.k8s.io";
/** Room for the pod of a rollout beside the one that serves. */
const QUOTA = { pods: 2, cpu: "100m", memory: "256Mi" } as const;

/** What an Ingress of this class carries, and the pods that its requests come from. */
export const ingressCapability: IngressCapability = {
  className: INGRESS_CLASS,
  annotations: {},
  // It would have to read every Secret of the cluster for the certificates.
  tls: false,
  sources: [
    {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": NAMESPACE } },
      podSelector: { matchLabels: SELECTOR },
    },
  ],
};

export interface IngressControllerArgs {
  readonly image: pulumi.Input<string>;
  /** Port of the load balancer's address at which all Ingresses answer. */
  readonly port: number;
}

/**
 * The entrance for all apps by host and path: Skipper behind a Service of type LoadBalancer, whose
 * address the cluster's agent writes into the status of each Ingress.
 */
export class IngressController extends pulumi.ComponentResource {
  constructor(name: string, args: IngressControllerArgs, opts: pulumi.ComponentResourceOptions) {
    super("drydock:infra:IngressController", name, {}, opts);
    const namespace = new WorkloadNamespace(
      name,
      { namespace: NAMESPACE, quota: QUOTA },
      { parent: this },
    );
    const within = { parent: this, dependsOn: [namespace] };
    const rules = [...this.access(name, within), this.networkPolicy(name, within)];
    const pods = new k8s.apps.v1.Deployment(
      name,
      {
        metadata: { ...METADATA, annotations: exceptions({ "workload-min-replicas": ONE_POD }) },
        spec: {
          replicas: 1,
          selector: { matchLabels: SELECTOR },
          strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
          template: {
            metadata: { labels: LABELS, annotations: TOGETHER },
            spec: podSpec({ name: NAME, image: args.image }),
          },
        },
      },
      { ...within, dependsOn: [namespace, ...rules] },
    );
    const ports = [{ name: HTTP, protocol: "TCP", port: args.port, targetPort: HTTP }];
    new k8s.core.v1.Service(
      name,
      { metadata: METADATA, spec: { type: "LoadBalancer", selector: SELECTOR, ports } },
      { ...within, dependsOn: [namespace, pods] },
    );
    this.ingressClass(name);
    this.registerOutputs({});
  }

  /** The Service as its parameters tells the agent where the class answers. */
  private ingressClass(name: string): void {
    new k8s.networking.v1.IngressClass(
      name,
      {
        metadata: {
          name: INGRESS_CLASS,
          labels: LABELS,
          annotations: { "ingressclass.kubernetes.io/is-default-class": "true" },
        },
        spec: {
          controller: INGRESS_CONTROLLER,
          parameters: { kind: "Service", scope: "Namespace", namespace: NAMESPACE, name: NAME },
        },
      },
      { parent: this },
    );
  }

  /** Callers from anywhere, as a load balancer has them; the pods that it sends their requests to. */
  private networkPolicy(name: string, opts: pulumi.CustomResourceOptions): pulumi.Resource {
    return new k8s.networking.v1.NetworkPolicy(
      name,
      {
        metadata: METADATA,
        spec: {
          podSelector: { matchLabels: SELECTOR },
          policyTypes: ["Ingress", "Egress"],
          ingress: [{ ports: [{ protocol: "TCP", port: SKIPPER_PORT }] }],
          // It asks the API server too, which is the node's and always allowed.
          egress: [{ to: [{ namespaceSelector: {} }] }],
        },
      },
      opts,
    );
  }

  /** It reads where requests should go, and writes nothing. */
  private access(name: string, within: pulumi.CustomResourceOptions): pulumi.Resource[] {
    const child = { parent: this };
    const account = new k8s.core.v1.ServiceAccount(name, { metadata: METADATA }, within);
    const list = (apiGroup: string, resource: string) => ({
      apiGroups: [apiGroup],
      resources: [resource],
      verbs: ["list"],
    });
    const role = new k8s.rbac.v1.ClusterRole(
      name,
      {
        metadata: { name: NAME, labels: LABELS },
        rules: [
          list("networking.k8s.io", "ingresses"),
          list("", "services"),
          list("discovery.k8s.io", "endpointslices"),
        ],
      },
      child,
    );
    const binding = new k8s.rbac.v1.ClusterRoleBinding(
      name,
      {
        metadata: { name: NAME, labels: LABELS },
        roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: NAME },
        subjects: [{ kind: "ServiceAccount", name: NAME, namespace: NAMESPACE }],
      },
      { ...child, dependsOn: [role, account] },
    );
    return [account, binding];
  }
}
