import { alter, type Judging, missing, remove, type RuleCase, set } from "./cases";
import { pods } from "./conforming-pods";
import type { Fixture } from "./world";

const NAME = "app.kubernetes.io/name";
const ENFORCE = "pod-security.kubernetes.io/enforce";

const copyOf = (name: string, as: string): Fixture => {
  const found = pods.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no fixture is named ${name}`);
  return { ...found, name: as };
};

/** Rules about the objects around the pods. */
export const objectCases = {
  "autoscaler-bounds": {
    breaks: [
      remove("web-autoscaler", "spec minReplicas"),
      set("web-autoscaler", "spec minReplicas", 1),
      set("web-autoscaler", "spec maxReplicas", 3),
      remove("web-autoscaler", "spec maxReplicas"),
      set("web-autoscaler", "spec minReplicas", 3, { config: { minimum: 4 } }),
    ],
    unknown: [
      ["web-autoscaler", "spec minReplicas"],
      ["web-autoscaler", "spec maxReplicas"],
    ],
  },
  "workload-min-replicas": {
    breaks: [
      set("db", "spec replicas", 1),
      remove("db", "spec replicas"),
      set("web-autoscaler", "spec minReplicas", 1, { told: "web" }),
      missing("web", "web-autoscaler"),
      set("db", "spec replicas", 3, { config: { minimum: 4 } }),
    ],
    unknown: [
      ["db", "spec replicas"],
      ["web-autoscaler", "spec scaleTargetRef name"],
    ],
  },
  "autoscaler-target-exists": {
    breaks: [
      set("web-autoscaler", "spec scaleTargetRef name", "wbe"),
      set("web-autoscaler", "spec scaleTargetRef kind", "StatefulSet"),
      set("web", "spec replicas", 3),
      set("web-autoscaler", "metadata namespace", "other"),
    ],
    unknown: [["web-autoscaler", "spec scaleTargetRef name"]],
  },
  "autoscaler-requests-complete": {
    breaks: [
      remove("web", "spec template spec containers 0 resources requests cpu"),
      set("web-autoscaler", "spec metrics 0 resource name", "disk", { told: "web" }),
      set("web-autoscaler", "spec targetCPUUtilizationPercentage", 70, {
        told: "web",
        minus: ["web"],
        plus: [
          {
            ...copyOf("web", "web"),
            inputs: {
              metadata: { name: "web", namespace: "shop" },
              spec: { template: { spec: { containers: [{ name: "web" }] } } },
            },
          },
        ],
      }),
    ],
    unknown: [["web", "spec template spec containers 0 resources requests"]],
  },
  "workload-disruption-budget": {
    breaks: [
      missing("web", "web-budget"),
      missing("db", "db-budget"),
      set("db-budget", `spec selector matchLabels ${NAME}`, "bd", { told: "db" }),
      set("db-budget", "metadata namespace", "other", { told: "db" }),
      alter("db-budget", "twice", {}, { told: "db", plus: [copyOf("db-budget", "second-budget")] }),
    ],
    unknown: [
      ["db-budget", "spec selector"],
      ["db", "spec template metadata labels"],
    ],
  },
  "budget-allows-disruption": {
    breaks: [
      set("db-budget", "spec maxUnavailable", 0),
      set("db-budget", "spec maxUnavailable", "0%"),
      remove("db-budget", "spec unhealthyPodEvictionPolicy"),
      set("db-budget", "spec minAvailable", 3),
      set("db-budget", "spec minAvailable", "90%"),
      set("web-budget", "spec minAvailable", 3),
      set("db-budget", `spec selector matchLabels ${NAME}`, "bd"),
    ],
    unknown: [
      ["db-budget", "spec unhealthyPodEvictionPolicy"],
      ["db-budget", "spec maxUnavailable"],
    ],
  },
  "workload-selectors-disjoint": {
    breaks: [
      set("web", `spec selector matchLabels ${NAME}`, "db"),
      set("agent", "spec selector matchLabels", { "app.kubernetes.io/part-of": "shop" }),
    ],
    unknown: [["agent", "spec selector"]],
  },
  "service-exposure-allowed": {
    breaks: [
      set("web-service", "spec type", "NodePort"),
      set("web-service", "spec externalIPs", ["192.0.2.1"]),
      set("web-service", "spec type", "LoadBalancer", { config: { loadBalancers: ["other"] } }),
    ],
    unknown: [["web-service", "spec type"]],
  },
  "service-selects-pods": {
    breaks: [
      set("web-service", `spec selector ${NAME}`, "wbe"),
      set("web-service", "spec ports 0 targetPort", "htpp"),
      set("web-service", "spec ports 0 targetPort", 8081),
      remove("web-service", "spec ports 0 targetPort"),
      set("web-service", "metadata namespace", "other"),
      set("web", `spec template metadata labels ${NAME}`, "wbe", { told: "web-service" }),
    ],
    unknown: [
      ["web-service", "spec selector"],
      ["web-service", "spec ports 0 targetPort"],
    ],
  },
  "pod-network-policy": {
    breaks: [
      missing("web", "default-deny"),
      set("default-deny", "spec policyTypes", ["Ingress"], { told: "once" }),
      set("default-deny", "spec policyTypes", ["Egress"], { told: "db" }),
      remove("default-deny", "spec policyTypes", { told: "agent" }),
      set("default-deny", "metadata namespace", "other", { told: "nightly" }),
      set("default-deny", "spec podSelector matchLabels", { tier: "front" }, { told: "db" }),
    ],
    unknown: [["default-deny", "spec podSelector"]],
  },
  "network-policy-effective": {
    breaks: [
      set("web-ingress", `spec podSelector matchLabels ${NAME}`, "wbe"),
      set("web-ingress", "metadata namespace", "other"),
    ],
    unknown: [["web-ingress", "spec podSelector"]],
  },
  "ingress-tls": {
    breaks: [
      remove("entrance", "spec tls"),
      set("entrance", "spec tls", []),
      remove("entrance", "spec rules 0 host"),
      set("entrance", "spec tls 0 hosts", ["other.example.com"]),
    ],
    unknown: [
      ["entrance", "spec tls"],
      ["entrance", "spec rules 0 host"],
    ],
  },
  "ingress-backend-exists": {
    breaks: [
      set("entrance", "spec rules 0 http paths 0 backend service name", "wbe"),
      set("entrance", "spec defaultBackend", { service: { name: "wbe" } }),
      missing("entrance", "web-service"),
    ],
    unknown: [["entrance", "spec rules 0 http paths 0 backend service name"]],
  },
  "statefulset-headless-service": {
    breaks: [
      remove("db", "spec serviceName"),
      set("db", "spec serviceName", "bd"),
      remove("db-service", "spec clusterIP", { told: "db" }),
      missing("db", "db-service"),
    ],
    unknown: [["db", "spec serviceName"]],
  },
  "role-binding-complete": {
    breaks: [
      set("agent-reads", "subjects 0 name", "aegnt"),
      set("agent-reads", "roleRef name", "raeder"),
      missing("agent-reads", "reader"),
    ],
    unknown: [
      ["agent-reads", "subjects 0 name"],
      ["agent-reads", "roleRef name"],
    ],
  },
  "role-no-wildcards": {
    breaks: ["apiGroups", "resources", "verbs"].map((key) =>
      set("reader", `rules 0 ${key}`, ["*"]),
    ),
    unknown: [["reader", "rules 0 verbs"]],
  },
  "role-no-secret-access": {
    breaks: [
      set("reader", "rules 0 resources", ["secrets"]),
      set("reader", "rules 1 verbs", ["get", "list"]),
      remove("reader", "rules 1 resourceNames"),
      alter("reader", "as a ClusterRole with list", {
        type: "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
        inputs: { rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["list"] }] },
      }),
    ],
    unknown: [["reader", "rules 0 resources 0"]],
  },
  "role-no-escalation": {
    breaks: [
      ...["escalate", "bind", "impersonate"].map((verb) => set("reader", "rules 0 verbs", [verb])),
      ...(
        [
          ["pods", "create"],
          ["pods/exec", "create"],
          ["pods/ephemeralcontainers", "patch"],
          ["serviceaccounts/token", "create"],
          ["nodes/proxy", "get"],
          ["certificatesigningrequests/approval", "update"],
          ["persistentvolumes", "create"],
          ["mutatingwebhookconfigurations", "patch"],
        ] as const
      ).map(([resource, verb]) =>
        set("reader", "rules 0", { apiGroups: [""], resources: [resource], verbs: [verb] }),
      ),
    ],
    unknown: [["reader", "rules 0 verbs 0"]],
  },
  "binding-no-cluster-admin": {
    breaks: [set("agent-reads", "roleRef name", "cluster-admin")],
    unknown: [["agent-reads", "roleRef name"]],
  },
  "binding-named-subjects": {
    breaks: ["system:anonymous", "system:unauthenticated", "system:masters"].map((name) =>
      set("agent-reads", "subjects 0", { kind: "Group", name }),
    ),
    unknown: [["agent-reads", "subjects 0 name"]],
  },
  "configmap-no-credentials": {
    breaks: [
      set("web-config", "data dbPassword", "hunter2"),
      set("web-config", "data app.conf", "url = amqp://shop:hunter2@queue"),
    ],
    unknown: [["web-config", "data app.conf"]],
  },
  "stateful-protected": {
    breaks: [
      "web-claim",
      "db",
      "control-plane",
      "key",
      "bucket",
      "files",
      "volume",
      "registry",
    ].map((name) => alter(name, "without protect", { protect: false })),
    unknown: [],
  },
  "storage-class-safe": {
    breaks: [
      remove("gp3", "parameters encrypted"),
      set("gp3", "parameters encrypted", "false"),
      remove("gp3", "volumeBindingMode"),
      set("gp3", "volumeBindingMode", "Immediate"),
    ],
    unknown: [["gp3", "parameters encrypted"]],
  },
  "claim-storage-class-set": {
    breaks: [
      remove("web-claim", "spec storageClassName"),
      remove("db", "spec volumeClaimTemplates 0 spec storageClassName"),
    ],
    unknown: [["web-claim", "spec"]],
    enough: [["web-claim", "spec storageClassName"]],
  },
  "object-namespace-set": {
    breaks: [
      remove("web", "metadata namespace"),
      set("web-config", "metadata namespace", "default"),
      set("quota", "metadata namespace", "kube-system"),
      set("web", "metadata namespace", "shop", { config: { reserved: ["shop"] } }),
    ],
    unknown: [["web", "metadata namespace"]],
  },
  "namespace-pod-security": {
    breaks: [
      remove("namespace", `metadata labels ${ENFORCE}`),
      set("namespace", `metadata labels ${ENFORCE}`, "baseline"),
    ],
    unknown: [["namespace", `metadata labels ${ENFORCE}`]],
  },
  "namespace-quota": {
    breaks: [
      missing("namespace", "quota"),
      missing("namespace", "defaults"),
      set("quota", "metadata namespace", "other", { told: "namespace" }),
    ],
    unknown: [["quota", "metadata namespace"]],
  },
  "object-labels": {
    breaks: [
      remove("web", "metadata labels app.kubernetes.io/part-of"),
      remove("web", "spec template metadata labels app.kubernetes.io/part-of"),
      remove("web-service", "metadata labels"),
      set("nightly", "metadata annotations", {}, { config: { required: ["owner"] } }),
    ],
    unknown: [["web", "metadata labels"]],
    enough: [["web", "metadata labels app.kubernetes.io/part-of"]],
  },
  "object-api-version-stable": {
    breaks: [
      alter("nightly", "of a beta version", { type: "kubernetes:batch/v1beta1:CronJob" }),
      alter("web", "of a removed group", { type: "kubernetes:extensions/v1beta1:Deployment" }),
      alter("entrance", "of a removed group", { type: "kubernetes:extensions/v1beta1:Ingress" }),
    ],
    unknown: [],
  },
} satisfies Partial<Record<Judging, RuleCase>>;
