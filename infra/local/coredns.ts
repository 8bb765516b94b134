import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { exceptions } from "../../policy/exceptions";
import { COREDNS_PORT } from "../images/system";
import { ONE_POD, TOGETHER } from "./one-node";
import { CLUSTER_DOMAIN, DNS_SERVICE_ADDRESS } from "./runtime/spec";

const NAMESPACE = "kube-system";
/** The labels by which tools know the cluster's DNS, whatever serves it. */
const SELECTOR = { "k8s-app": "kube-dns" };
const LABELS = { ...SELECTOR, "app.kubernetes.io/part-of": "drydock" };
const ROLE = "system:coredns";
const ACCOUNT = "coredns";
const METRICS_PORT = 9153;
const HEALTH_PORT = 8080;
const READY_PORT = 8181;

const IN_SYSTEM_NAMESPACE = exceptions({
  "object-namespace-set": {
    until: "2027-04-30",
    reason: "the cluster's name server is looked for where kubeadm and EKS install it",
  },
});
const ON_ONE_NODE = exceptions({
  "workload-min-replicas": ONE_POD,
});

export interface CoreDnsArgs {
  readonly image: pulumi.Input<string>;
}

/** The cluster's name server, as EKS and kubeadm install it: a Deployment behind the Service kube-dns. */
export class CoreDns extends pulumi.ComponentResource {
  constructor(name: string, args: CoreDnsArgs, opts: pulumi.ComponentResourceOptions) {
    super("drydock:infra:CoreDns", name, {}, opts);
    const child = { parent: this };
    const metadata = {
      name: ACCOUNT,
      namespace: NAMESPACE,
      labels: LABELS,
      annotations: IN_SYSTEM_NAMESPACE,
    };
    const access = this.access(name, metadata);
    this.admitQueries(name, metadata);
    const config = new k8s.core.v1.ConfigMap(
      `${name}-config`,
      {
        metadata: { namespace: NAMESPACE, labels: LABELS, annotations: IN_SYSTEM_NAMESPACE },
        data: { Corefile: corefile() },
      },
      child,
    );
    new k8s.core.v1.Service(
      name,
      {
        metadata: { ...metadata, name: "kube-dns" },
        spec: {
          selector: SELECTOR,
          clusterIP: DNS_SERVICE_ADDRESS,
          ports: [
            { name: "dns", protocol: "UDP", port: 53, targetPort: "dns" },
            { name: "dns-tcp", protocol: "TCP", port: 53, targetPort: "dns-tcp" },
            { name: "metrics", protocol: "TCP", port: METRICS_PORT, targetPort: "metrics" },
          ],
        },
      },
      // The pods come up beside the applications, and nothing of theirs waits for a name.
      { ...child, customTimeouts: { create: "5m" } },
    );
    new k8s.apps.v1.Deployment(
      name,
      {
        metadata: { ...metadata, annotations: { ...IN_SYSTEM_NAMESPACE, ...ON_ONE_NODE } },
        spec: {
          replicas: 1,
          selector: { matchLabels: SELECTOR },
          strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
          template: {
            metadata: { labels: LABELS, annotations: TOGETHER },
            spec: podSpec(args.image, config),
          },
        },
      },
      { ...child, dependsOn: access },
    );
    this.registerOutputs({});
  }

  /** Questions from every pod. It asks the API server alone, which is the node's and always allowed. */
  private admitQueries(name: string, metadata: { name: string; namespace: string }): void {
    new k8s.networking.v1.NetworkPolicy(
      name,
      {
        metadata,
        spec: {
          podSelector: { matchLabels: SELECTOR },
          policyTypes: ["Ingress", "Egress"],
          ingress: [
            {
              ports: [
                { protocol: "UDP", port: COREDNS_PORT },
                { protocol: "TCP", port: COREDNS_PORT },
                { protocol: "TCP", port: METRICS_PORT },
              ],
            },
          ],
        },
      },
      { parent: this },
    );
  }

  /** CoreDNS follows Services and EndpointSlices through an account of its own. */
  private access(
    name: string,
    metadata: { name: string; namespace: string; labels: Record<string, string> },
  ): pulumi.Resource[] {
    const child = { parent: this };
    const account = new k8s.core.v1.ServiceAccount(name, { metadata }, child);
    const { labels } = metadata;
    const role = new k8s.rbac.v1.ClusterRole(
      name,
      {
        metadata: { name: ROLE, labels },
        rules: [
          {
            apiGroups: [""],
            resources: ["services", "namespaces"],
            verbs: ["list", "watch"],
          },
          {
            apiGroups: ["discovery.k8s.io"],
            resources: ["endpointslices"],
            verbs: ["list", "watch"],
          },
        ],
      },
      child,
    );
    const binding = new k8s.rbac.v1.ClusterRoleBinding(
      name,
      {
        metadata: { name: ROLE, labels },
        // Plain texts, so that a preview can judge who gets what.
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: ROLE },
        subjects: [{ kind: "ServiceAccount", name: ACCOUNT, namespace: NAMESPACE }],
      },
      { ...child, dependsOn: [role, account] },
    );
    return [account, binding];
  }
}

/**
 * Two zones: the cluster's own, and all the rest, which does not exist here because no query leaves
 * the cluster's network namespace.
 */
function corefile(): string {
  const zones = [CLUSTER_DOMAIN, "in-addr.arpa", "ip6.arpa"];
  const listen = (zone: string): string => `${zone}:${String(COREDNS_PORT)}`;
  return `${zones.map(listen).join(" ")} {
    errors
    health :${String(HEALTH_PORT)}
    ready :${String(READY_PORT)}
    kubernetes ${zones.join(" ")} {
        ttl 30
    }
    prometheus :${String(METRICS_PORT)}
    cache 30
    loadbalance
}
${listen(".")} {
    errors
    template ANY ANY {
        rcode NXDOMAIN
    }
}
`;
}

function podSpec(
  image: pulumi.Input<string>,
  config: k8s.core.v1.ConfigMap,
): k8s.types.input.core.v1.PodSpec {
  return {
    serviceAccountName: ACCOUNT,
    priorityClassName: "system-cluster-critical",
    dnsPolicy: "Default",
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name: "coredns",
        image,
        args: ["-conf", "/etc/coredns/Corefile"],
        ports: [
          { name: "dns", containerPort: COREDNS_PORT, protocol: "UDP" },
          { name: "dns-tcp", containerPort: COREDNS_PORT, protocol: "TCP" },
          { name: "metrics", containerPort: METRICS_PORT, protocol: "TCP" },
        ],
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "128Mi" } },
        livenessProbe: {
          httpGet: { path: "/health", port: HEALTH_PORT },
          periodSeconds: 10,
          failureThreshold: 5,
        },
        readinessProbe: { httpGet: { path: "/ready", port: READY_PORT }, periodSeconds: 1 },
        volumeMounts: [{ name: "config", mountPath: "/etc/coredns", readOnly: true }],
      },
    ],
    volumes: [{ name: "config", configMap: { name: config.metadata.name } }],
  };
}
