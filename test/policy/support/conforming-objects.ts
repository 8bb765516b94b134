import { labels, metadata } from "./conforming-pods";
import type { Fixture } from "./world";

const core = (kind: string) => `kubernetes:core/v1:${kind}`;
const rbac = (kind: string) => `kubernetes:rbac.authorization.k8s.io/v1:${kind}`;
const networking = (kind: string) => `kubernetes:networking.k8s.io/v1:${kind}`;
const apiGroup = "rbac.authorization.k8s.io";

const service = (name: string, more: object = {}): Fixture => ({
  type: core("Service"),
  name: `${name}-service`,
  inputs: {
    metadata: metadata(name),
    spec: {
      type: "ClusterIP",
      selector: { "app.kubernetes.io/name": name },
      ports: [{ name: "http", port: 80, targetPort: "http" }],
      ...more,
    },
  },
});

/** What belongs to the pods of conforming-pods.ts. */
export const objects: readonly Fixture[] = [
  {
    type: core("Namespace"),
    name: "namespace",
    inputs: {
      metadata: {
        name: "shop",
        labels: { ...labels("shop"), "pod-security.kubernetes.io/enforce": "restricted" },
      },
    },
  },
  {
    type: core("ResourceQuota"),
    name: "quota",
    inputs: { metadata: metadata("quota"), spec: { hard: { pods: "20" } } },
  },
  {
    type: core("LimitRange"),
    name: "defaults",
    inputs: { metadata: metadata("defaults"), spec: { limits: [{ type: "Container" }] } },
  },
  {
    type: core("ConfigMap"),
    name: "web-config",
    inputs: {
      metadata: metadata("web-config"),
      data: { "app.conf": "listen 8080", passwordFile: "/secret/password" },
    },
  },
  {
    type: core("Secret"),
    name: "web-secret",
    inputs: { metadata: metadata("web-secret"), stringData: { password: "kept-in-a-secret" } },
  },
  {
    type: "kubernetes:secrets-store.csi.x-k8s.io/v1:SecretProviderClass",
    name: "web-entries",
    inputs: {
      metadata: metadata("web-entries"),
      spec: { provider: "aws", parameters: { usePodIdentity: "true" } },
    },
  },
  {
    type: core("PersistentVolumeClaim"),
    name: "web-claim",
    protect: true,
    inputs: { metadata: metadata("web-claim"), spec: { storageClassName: "gp3" } },
  },
  {
    type: "kubernetes:storage.k8s.io/v1:StorageClass",
    name: "gp3",
    inputs: {
      metadata: { name: "gp3" },
      provisioner: "ebs.csi.aws.com",
      parameters: { type: "gp3", encrypted: "true" },
      volumeBindingMode: "WaitForFirstConsumer",
    },
  },
  {
    type: "kubernetes:scheduling.k8s.io/v1:PriorityClass",
    name: "priority",
    inputs: { metadata: { name: "shop" }, value: 100 },
  },
  service("web"),
  service("db", { clusterIP: "None" }),
  {
    type: networking("NetworkPolicy"),
    name: "default-deny",
    inputs: {
      metadata: metadata("default-deny"),
      spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    },
  },
  {
    type: networking("NetworkPolicy"),
    name: "web-ingress",
    inputs: {
      metadata: metadata("web-ingress"),
      spec: {
        podSelector: { matchLabels: { "app.kubernetes.io/name": "web" } },
        policyTypes: ["Ingress"],
        ingress: [{ ports: [{ protocol: "TCP", port: 8080 }] }],
      },
    },
  },
  {
    type: networking("Ingress"),
    name: "entrance",
    inputs: {
      metadata: metadata("entrance"),
      spec: {
        tls: [{ hosts: ["shop.example.com"], secretName: "web-secret" }],
        rules: [
          {
            host: "shop.example.com",
            http: { paths: [{ path: "/", backend: { service: { name: "web" } } }] },
          },
        ],
      },
    },
  },
  {
    type: rbac("Role"),
    name: "reader",
    inputs: {
      metadata: metadata("reader"),
      rules: [
        { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"] },
        { apiGroups: [""], resources: ["secrets"], verbs: ["get"], resourceNames: ["web-secret"] },
      ],
    },
  },
  {
    type: rbac("RoleBinding"),
    name: "agent-reads",
    inputs: {
      metadata: metadata("agent-reads"),
      roleRef: { apiGroup, kind: "Role", name: "reader" },
      subjects: [{ kind: "ServiceAccount", name: "agent", namespace: "shop" }],
    },
  },
];
