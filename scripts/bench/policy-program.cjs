"use strict";
// 75 workloads of four objects each, that keep every rule of the policy pack.
const pulumi = require("@pulumi/pulumi");

const COUNT = 75;
const options = { version: "4.34.2" };
const create = (type, name, inputs) =>
  new pulumi.CustomResource(`kubernetes:${type}`, name, inputs, options);

for (let index = 0; index < COUNT; index++) workload(`web-${index}`);
create("networking.k8s.io/v1:NetworkPolicy", "closed", {
  metadata: { name: "closed", namespace: "web" },
  spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
});

function workload(name) {
  const labels = { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "bench" };
  const metadata = { name, namespace: "web", labels };
  const matchLabels = { "app.kubernetes.io/name": name };
  create("core/v1:ServiceAccount", name, { metadata, automountServiceAccountToken: false });
  create("apps/v1:Deployment", name, {
    metadata,
    spec: {
      replicas: 3,
      selector: { matchLabels },
      template: { metadata: { labels }, spec: podSpec(name, matchLabels) },
    },
  });
  create("core/v1:Service", name, {
    metadata,
    spec: { selector: matchLabels, ports: [{ port: 80, targetPort: "http" }] },
  });
  const spec = {
    maxUnavailable: 1,
    unhealthyPodEvictionPolicy: "AlwaysAllow",
    selector: { matchLabels },
  };
  create("policy/v1:PodDisruptionBudget", name, { metadata, spec });
}

function podSpec(name, matchLabels) {
  const httpGet = { path: "/", port: "http" };
  return {
    serviceAccountName: name,
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels },
      },
    ],
    containers: [
      {
        name: "web",
        image: `web@sha256:${"a".repeat(64)}`,
        ports: [{ name: "http", containerPort: 8080 }],
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "16Mi" } },
        readinessProbe: { httpGet, periodSeconds: 5 },
        livenessProbe: { httpGet, periodSeconds: 10 },
      },
    ],
  };
}
