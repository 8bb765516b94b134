import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { exceptions } from "../../policy/exceptions";
import { ONE_POD, TOGETHER } from "./one-node";

const NAMESPACE = "kube-system";
const NAME = "metrics-server";
const SELECTOR = { "k8s-app": NAME };
const LABELS = { ...SELECTOR, "app.kubernetes.io/part-of": "drydock" };
const READER = "system:aggregated-metrics-reader";
const SCRAPER = "system:metrics-server";
const PORT = 10250;
const USER = 65532;
const RBAC = "rbac.authorization.k8s.io";
const SUBJECTS = [{ kind: "ServiceAccount", name: NAME, namespace: NAMESPACE }];

/** Whoever may look at a namespace may look at what its pods use. */
const AGGREGATED = {
  [`${RBAC}/aggregate-to-view`]: "true",
  [`${RBAC}/aggregate-to-edit`]: "true",
  [`${RBAC}/aggregate-to-admin`]: "true",
};

const UNTIL = "2027-04-30";
const IN_SYSTEM_NAMESPACE = exceptions({
  "object-namespace-set": {
    until: UNTIL,
    reason: "metrics are looked for where metrics-server's own manifests and EKS install it",
  },
});
const ON_ONE_NODE = exceptions({
  "workload-min-replicas": ONE_POD,
  "pod-network-policy": {
    until: UNTIL,
    reason: "policies for kube-system would be the cluster's own add-ons' only",
  },
});
const BUILT_IN_ROLE = exceptions({
  "role-binding-complete": {
    until: UNTIL,
    reason: "Kubernetes itself has this role, although its name does not begin with system:",
  },
});
/** It is ready after its second look at the node: nothing of an update waits for that. */
const LATER = { "pulumi.com/skipAwait": "true" };

export interface MetricsServerArgs {
  readonly image: pulumi.Input<string>;
}

/** CPU and memory of pods and nodes, as EKS installs it: what autoscalers and `kubectl top` ask. */
export class MetricsServer extends pulumi.ComponentResource {
  constructor(name: string, args: MetricsServerArgs, opts: pulumi.ComponentResourceOptions) {
    super("drydock:infra:MetricsServer", name, {}, opts);
    const child = { parent: this };
    const annotations = { ...IN_SYSTEM_NAMESPACE, ...LATER };
    const metadata = { name: NAME, namespace: NAMESPACE, labels: LABELS, annotations };
    const access = this.access(name, metadata);
    const service = new k8s.core.v1.Service(
      name,
      {
        metadata,
        spec: {
          selector: SELECTOR,
          ports: [{ name: "https", port: 443, targetPort: "https", appProtocol: "https" }],
        },
      },
      child,
    );
    new k8s.apps.v1.Deployment(
      name,
      {
        metadata: { ...metadata, annotations: { ...annotations, ...ON_ONE_NODE } },
        spec: {
          replicas: 1,
          selector: { matchLabels: SELECTOR },
          strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
          template: {
            metadata: { labels: LABELS, annotations: TOGETHER },
            spec: podSpec(args.image),
          },
        },
      },
      { ...child, dependsOn: access },
    );
    new k8s.apiregistration.v1.APIService(
      name,
      {
        metadata: { name: "v1beta1.metrics.k8s.io", labels: LABELS, annotations: LATER },
        spec: {
          group: "metrics.k8s.io",
          version: "v1beta1",
          service: { name: NAME, namespace: NAMESPACE },
          groupPriorityMinimum: 100,
          versionPriority: 100,
          // It signs its certificate itself; the way there stays within the cluster's network namespace.
          insecureSkipTLSVerify: true,
        },
      },
      { ...child, dependsOn: [service] },
    );
    this.registerOutputs({});
  }

  private access(
    name: string,
    metadata: {
      readonly name: string;
      readonly namespace: string;
      readonly labels: Record<string, string>;
      readonly annotations: Record<string, string>;
    },
  ): pulumi.Resource[] {
    const child = { parent: this };
    const { labels } = metadata;
    const account = new k8s.core.v1.ServiceAccount(name, { metadata }, child);
    new k8s.rbac.v1.ClusterRole(
      `${name}-reader`,
      {
        metadata: { name: READER, labels: { ...labels, ...AGGREGATED } },
        rules: [
          {
            apiGroups: ["metrics.k8s.io"],
            resources: ["pods", "nodes"],
            verbs: ["get", "list", "watch"],
          },
        ],
      },
      child,
    );
    const scraper = new k8s.rbac.v1.ClusterRole(
      name,
      {
        metadata: { name: SCRAPER, labels },
        rules: [
          { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
          { apiGroups: [""], resources: ["pods", "nodes"], verbs: ["get", "list", "watch"] },
        ],
      },
      child,
    );
    const bind = (suffix: string, clusterName: string, role: string) =>
      new k8s.rbac.v1.ClusterRoleBinding(
        `${name}${suffix}`,
        {
          metadata: { name: clusterName, labels },
          roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: role },
          subjects: SUBJECTS,
        },
        { ...child, dependsOn: [account, scraper] },
      );
    return [
      bind("", SCRAPER, SCRAPER),
      // It asks the API server who calls it, and whether that one may.
      bind("-delegator", `${NAME}:system:auth-delegator`, "system:auth-delegator"),
      new k8s.rbac.v1.RoleBinding(
        `${name}-authentication`,
        {
          metadata: {
            ...metadata,
            name: `${NAME}-auth-reader`,
            annotations: { ...metadata.annotations, ...BUILT_IN_ROLE },
          },
          roleRef: {
            apiGroup: RBAC,
            kind: "Role",
            name: "extension-apiserver-authentication-reader",
          },
          subjects: SUBJECTS,
        },
        { ...child, dependsOn: [account] },
      ),
    ];
  }
}

function podSpec(image: pulumi.Input<string>): k8s.types.input.core.v1.PodSpec {
  return {
    serviceAccountName: NAME,
    priorityClassName: "system-cluster-critical",
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [
      {
        name: NAME,
        image,
        args: [
          "--cert-dir=/tmp",
          `--secure-port=${String(PORT)}`,
          // The kubelet's certificate is of the cluster's authority: it is checked, unlike by default.
          "--kubelet-certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
          "--kubelet-preferred-address-types=InternalIP",
          "--kubelet-use-node-status-port",
          // The shortest that it takes: an autoscaler sees load the sooner.
          "--metric-resolution=10s",
          "--kubelet-request-timeout=5s",
        ],
        ports: [{ name: "https", containerPort: PORT }],
        env: [
          { name: "GOMEMLIMIT", value: "40MiB" },
          { name: "GOGC", value: "50" },
        ],
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        resources: { requests: { cpu: "20m", memory: "48Mi" }, limits: { memory: "128Mi" } },
        livenessProbe: {
          httpGet: { path: "/livez", port: "https", scheme: "HTTPS" },
          periodSeconds: 10,
          failureThreshold: 5,
        },
        readinessProbe: {
          httpGet: { path: "/readyz", port: "https", scheme: "HTTPS" },
          periodSeconds: 2,
        },
        volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
      },
    ],
    volumes: [{ name: "tmp", emptyDir: { sizeLimit: "16Mi" } }],
  };
}
