import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { COREDNS_PORT } from "../images/system";
import { CLUSTER_DOMAIN, DNS_SERVICE_ADDRESS } from "./runtime/spec";

const NAMESPACE = "kube-system";
/** The labels by which tools know the cluster's DNS, whatever serves it. */
const LABELS = { "k8s-app": "kube-dns" };
const METRICS_PORT = 9153;
const HEALTH_PORT = 8080;
const READY_PORT = 8181;

export interface CoreDnsArgs {
  readonly image: pulumi.Input<string>;
}

/** The cluster's name server, as EKS and kubeadm install it: a Deployment behind the Service kube-dns. */
export class CoreDns extends pulumi.ComponentResource {
  constructor(name: string, args: CoreDnsArgs, opts: pulumi.ComponentResourceOptions) {
    super("drydock:infra:CoreDns", name, {}, opts);
    const child = { parent: this };
    const metadata = { name: "coredns", namespace: NAMESPACE, labels: LABELS };
    const access = this.access(name, metadata);
    const config = new k8s.core.v1.ConfigMap(
      `${name}-config`,
      { metadata: { namespace: NAMESPACE, labels: LABELS }, data: { Corefile: corefile() } },
      child,
    );
    new k8s.core.v1.Service(
      name,
      {
        metadata: { ...metadata, name: "kube-dns" },
        spec: {
          selector: LABELS,
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
        metadata,
        spec: {
          replicas: 1,
          selector: { matchLabels: LABELS },
          strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
          template: { metadata: { labels: LABELS }, spec: podSpec(args.image, config) },
        },
      },
      { ...child, dependsOn: access },
    );
    this.registerOutputs({});
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
        metadata: { name: "system:coredns", labels },
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
        metadata: { name: "system:coredns", labels },
        roleRef: {
          apiGroup: "rbac.authorization.k8s.io",
          kind: "ClusterRole",
          name: role.metadata.name,
        },
        subjects: [{ kind: "ServiceAccount", name: account.metadata.name, namespace: NAMESPACE }],
      },
      child,
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
    serviceAccountName: "coredns",
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
