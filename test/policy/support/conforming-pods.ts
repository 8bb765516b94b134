import type { Fixture } from "./world";

/** Everything here keeps every rule; tests break one thing at a time. */
const NAMESPACE = "shop";
const DIGEST = `sha256:${"a".repeat(64)}`;

export const labels = (name: string) => ({
  "app.kubernetes.io/name": name,
  "app.kubernetes.io/part-of": "shop",
});

export const metadata = (name: string) => ({ name, namespace: NAMESPACE, labels: labels(name) });

const selector = (name: string) => ({ matchLabels: { "app.kubernetes.io/name": name } });

const container = (name: string) => ({
  name,
  image: `registry.example.com/${name}:1.2.3@${DIGEST}`,
  ports: [{ name: "http", containerPort: 8080 }],
  env: [
    { name: "LOG_LEVEL", value: "info" },
    { name: "PASSWORD_FILE", value: "/secret/password" },
  ],
  args: ["--verbose"],
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] },
  },
  resources: {
    requests: { cpu: "10m", memory: "16Mi" },
    limits: { memory: "16Mi", "ephemeral-storage": "10Mi" },
  },
});

const serving = (name: string) => ({
  ...container(name),
  readinessProbe: { httpGet: { path: "/ready", port: "http" }, periodSeconds: 5 },
  livenessProbe: { httpGet: { path: "/ready", port: "http" }, periodSeconds: 10 },
});

const podSpec = (name: string, main: object) => ({
  serviceAccountName: name,
  automountServiceAccountToken: false,
  priorityClassName: "shop",
  terminationGracePeriodSeconds: 30,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 20_000,
    runAsGroup: 20_000,
    seccompProfile: { type: "RuntimeDefault" },
  },
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: "kubernetes.io/hostname", labelSelector: selector(name) },
  ],
  containers: [main],
  initContainers: [container("prepare")],
  volumes: [
    { name: "config", configMap: { name: "web-config" } },
    { name: "secret", secret: { secretName: "web-secret" } },
    { name: "claim", persistentVolumeClaim: { claimName: "web-claim" } },
    { name: "tmp", emptyDir: { sizeLimit: "1Mi" } },
    {
      name: "entries",
      csi: {
        driver: "secrets-store.csi.k8s.io",
        readOnly: true,
        volumeAttributes: { secretProviderClass: "web-entries" },
      },
    },
  ],
});

/** A pod template that conforms, for any kind. */
export const template = (name: string) => ({
  metadata: { labels: labels(name) },
  spec: podSpec(name, serving(name)),
});

const jobSpec = (name: string) => ({
  ttlSecondsAfterFinished: 3600,
  activeDeadlineSeconds: 600,
  template: {
    metadata: { labels: labels(name) },
    spec: { ...podSpec(name, container(name)), restartPolicy: "Never" },
  },
});

const account = (name: string): Fixture => ({
  type: "kubernetes:core/v1:ServiceAccount",
  name: `${name}-account`,
  inputs: { metadata: metadata(name), automountServiceAccountToken: false },
});

const budget = (name: string): Fixture => ({
  type: "kubernetes:policy/v1:PodDisruptionBudget",
  name: `${name}-budget`,
  inputs: {
    metadata: metadata(name),
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: selector(name),
    },
  },
});

export const pods: readonly Fixture[] = [
  ...["web", "db", "agent", "once", "nightly"].map(account),
  {
    type: "kubernetes:apps/v1:Deployment",
    name: "web",
    inputs: {
      metadata: metadata("web"),
      spec: {
        selector: selector("web"),
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%" } },
        template: template("web"),
      },
    },
  },
  {
    type: "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    name: "web-autoscaler",
    inputs: {
      metadata: metadata("web"),
      spec: {
        minReplicas: 3,
        maxReplicas: 6,
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
        metrics: [
          {
            type: "Resource",
            resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } },
          },
        ],
      },
    },
  },
  budget("web"),
  {
    type: "kubernetes:apps/v1:StatefulSet",
    name: "db",
    protect: true,
    inputs: {
      metadata: metadata("db"),
      spec: {
        replicas: 3,
        serviceName: "db",
        selector: selector("db"),
        updateStrategy: { type: "RollingUpdate" },
        template: template("db"),
        volumeClaimTemplates: [{ metadata: { name: "data" }, spec: { storageClassName: "gp3" } }],
      },
    },
  },
  budget("db"),
  {
    type: "kubernetes:apps/v1:DaemonSet",
    name: "agent",
    inputs: {
      metadata: metadata("agent"),
      spec: {
        selector: selector("agent"),
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
        template: template("agent"),
      },
    },
  },
  {
    type: "kubernetes:batch/v1:Job",
    name: "once",
    inputs: { metadata: metadata("once"), spec: jobSpec("once") },
  },
  {
    type: "kubernetes:batch/v1:CronJob",
    name: "nightly",
    inputs: {
      metadata: metadata("nightly"),
      spec: {
        schedule: "0 3 * * *",
        startingDeadlineSeconds: 600,
        concurrencyPolicy: "Forbid",
        jobTemplate: { spec: jobSpec("nightly") },
      },
    },
  },
];
