import { inPod, type Judging, remove, type RuleCase, set, alter, missing } from "./cases";
import { template } from "./conforming-pods";

const first = "spec containers 0";
const context = `${first} securityContext`;
const webPod = (path: string) => ["web", `spec template ${path}`] as const;

/** Rules about the pods themselves. */
export const podCases = {
  "container-not-privileged": {
    breaks: [inPod(`${context} privileged`, true)],
    unknown: [webPod(`${context} privileged`), webPod("spec containers")],
  },
  "container-no-privilege-escalation": {
    breaks: [
      inPod(`${context} allowPrivilegeEscalation`),
      inPod(`${context} allowPrivilegeEscalation`, true),
    ],
    unknown: [webPod(`${context} allowPrivilegeEscalation`)],
  },
  "container-runs-as-non-root": {
    breaks: [
      inPod("spec securityContext runAsNonRoot"),
      inPod(`${context} runAsNonRoot`, false),
      inPod("spec securityContext runAsUser", 0),
      inPod(`${context} runAsUser`, 0),
      inPod("spec securityContext runAsGroup", 0),
    ],
    unknown: [webPod("spec securityContext runAsNonRoot"), webPod(`${context} runAsUser`)],
  },
  "container-high-user-id": {
    breaks: [
      inPod("spec securityContext runAsUser", 101),
      inPod(`${context} runAsGroup`, 101),
      inPod(`${context} runAsUser`, 20_000, { config: { minimum: 30_000 } }),
    ],
    unknown: [webPod("spec securityContext runAsUser")],
  },
  "container-read-only-root": {
    breaks: [
      inPod(`${context} readOnlyRootFilesystem`),
      inPod(`${context} readOnlyRootFilesystem`, false),
    ],
    unknown: [webPod(`${context} readOnlyRootFilesystem`)],
  },
  "container-drops-capabilities": {
    breaks: [
      inPod(`${context} capabilities`),
      inPod(`${context} capabilities drop`, ["NET_RAW"]),
      inPod(`${context} capabilities add`, ["SYS_ADMIN"]),
      inPod(`${context} capabilities add`, ["NET_BIND_SERVICE"], { config: { allowed: [] } }),
    ],
    unknown: [webPod(`${context} capabilities drop`), webPod(`${context} capabilities add 0`)],
  },
  "container-no-host-port": {
    breaks: [inPod(`${first} ports 0 hostPort`, 8080)],
    unknown: [webPod(`${first} ports 0 hostPort`)],
  },
  "container-safe-ports": {
    breaks: [inPod(`${first} ports 0 containerPort`, 22)],
    unknown: [webPod(`${first} ports 0 containerPort`)],
  },
  "pod-seccomp-profile": {
    breaks: [
      inPod("spec securityContext seccompProfile"),
      inPod(`${context} seccompProfile`, { type: "Unconfined" }),
      inPod("spec securityContext appArmorProfile", { type: "Unconfined" }),
      inPod(`${context} seLinuxOptions`, { type: "spc_t" }),
      inPod("spec securityContext seLinuxOptions", { user: "system_u" }),
    ],
    unknown: [webPod("spec securityContext seccompProfile type")],
  },
  "pod-no-host-namespaces": {
    breaks: ["hostPID", "hostIPC", "hostNetwork"].map((key) => inPod(`spec ${key}`, true)),
    unknown: [webPod("spec hostNetwork")],
  },
  "pod-no-host-paths": {
    breaks: [
      inPod("spec volumes 3", { name: "tmp", hostPath: { path: "/" } }),
      inPod("spec volumes 3", { name: "tmp", nfs: { server: "files", path: "/" } }),
      inPod("spec volumes 3", { name: "tmp", emptyDir: {} }, { config: { allowed: ["secret"] } }),
    ],
    unknown: [webPod("spec volumes")],
  },
  "pod-safe-kernel-settings": {
    breaks: [
      inPod("spec securityContext sysctls", [{ name: "kernel.msgmax", value: "1" }]),
      inPod(`${context} procMount`, "Unmasked"),
      inPod(`${context} windowsOptions`, { hostProcess: true }),
    ],
    unknown: [webPod(`${context} procMount`), webPod("spec securityContext sysctls")],
  },
  "pod-volumes-bounded": {
    breaks: [inPod("spec volumes 3 emptyDir sizeLimit")],
    unknown: [webPod("spec volumes 3 emptyDir")],
    enough: [webPod("spec volumes 3 emptyDir sizeLimit")],
  },
  "image-tag-fixed": {
    breaks: ["registry.example.com:5000/web", "web:latest", undefined].map((image) =>
      inPod(`${first} image`, image),
    ),
    unknown: [webPod(`${first} image`)],
  },
  "image-digest-pinned": {
    breaks: [inPod(`${first} image`, "web:1.2.3"), inPod(`${first} image`, "web@sha256:abc")],
    unknown: [webPod(`${first} image`)],
  },
  "image-pull-always": {
    breaks: [
      inPod(`${first} image`, "web:1.2.3"),
      inPod(`${first} imagePullPolicy`, "IfNotPresent", { config: { unlessPinned: false } }),
    ],
    unknown: [webPod(`${first} image`)],
  },
  "image-registry-allowed": {
    breaks: [
      inPod(`${first} image`, "web:1", { config: { registries: ["registry.example.com/"] } }),
      inPod(`${first} image`, "1.a/b.dkr.ecr.eu/web", { config: { registries: ["*.dkr.ecr.*/"] } }),
    ],
    unknown: [],
  },
  "container-resources-set": {
    breaks: [
      ...["requests cpu", "requests memory", "limits memory"].map((path) =>
        inPod(`${first} resources ${path}`),
      ),
      inPod(`${first} tty`, true, { config: { cpuLimit: true } }),
    ],
    unknown: [webPod(`${first} resources`)],
    enough: [webPod(`${first} resources limits memory`)],
  },
  "container-ephemeral-storage-set": {
    breaks: [
      {
        ...set("web", `spec template ${first}`, {
          ...template("web").spec.containers[0],
          securityContext: {},
          resources: {},
        }),
        text: "web writes to its node without a limit",
      },
    ],
    unknown: [webPod(`${context} readOnlyRootFilesystem`)],
  },
  "container-readiness-probe": {
    breaks: [
      remove("web", `spec template ${first} readinessProbe`),
      remove("db", `spec template ${first} readinessProbe`),
      remove("agent", `spec template ${first} readinessProbe`),
      set("web", `spec template ${first} readinessProbe httpGet port`, "htpp"),
    ],
    unknown: [webPod(`${first} readinessProbe`)],
  },
  "container-liveness-probe": {
    breaks: [
      remove("web", `spec template ${first} livenessProbe`),
      remove("agent", `spec template ${first} livenessProbe`),
      set("web", `spec template ${first} livenessProbe httpGet port`, "htpp"),
      set("web", `spec template ${first} livenessProbe periodSeconds`, 5),
      set("db", `spec template ${first} livenessProbe failureThreshold`, 1),
    ],
    unknown: [webPod(`${first} livenessProbe`)],
  },
  "workload-spread": {
    breaks: ["web", "db"].map((name) =>
      remove(name, "spec template spec topologySpreadConstraints"),
    ),
    unknown: [webPod("spec topologySpreadConstraints"), webPod("spec affinity podAntiAffinity")],
  },
  "workload-rolling-update": {
    breaks: [
      set("web", "spec strategy type", "Recreate"),
      set("web", "spec strategy rollingUpdate maxUnavailable", "100%"),
      set("db", "spec updateStrategy type", "OnDelete"),
      set("agent", "spec updateStrategy rollingUpdate maxUnavailable", "100%"),
    ],
    unknown: [["web", "spec strategy type"]],
  },
  "workload-selector-matches": {
    breaks: [
      set("web", "spec selector matchLabels tier", "front"),
      remove("db", "spec template metadata labels app.kubernetes.io/name"),
      set("agent", "spec selector matchExpressions", [
        { key: "tier", operator: "In", values: ["front"] },
      ]),
      set("agent", "spec selector matchExpressions", [
        { key: "app.kubernetes.io/name", operator: "NotIn", values: ["agent"] },
      ]),
      set("agent", "spec selector matchExpressions", [{ key: "tier", operator: "Exists" }]),
      set("agent", "spec selector matchExpressions", [
        { key: "app.kubernetes.io/name", operator: "DoesNotExist" },
      ]),
    ],
    unknown: [
      ["web", "spec selector"],
      ["web", "spec template metadata labels"],
    ],
  },
  "pod-has-controller": {
    breaks: [
      alter("web", "as a ReplicaSet", { type: "kubernetes:apps/v1:ReplicaSet" }),
      alter("web", "as a bare pod", { type: "kubernetes:core/v1:Pod" }),
    ],
    unknown: [],
  },
  "workload-priority": {
    breaks: ["web", "db", "agent"].map((name) =>
      remove(name, "spec template spec priorityClassName"),
    ),
    unknown: [webPod("spec")],
    enough: [webPod("spec priorityClassName")],
  },
  "job-bounded": {
    breaks: [
      remove("once", "spec ttlSecondsAfterFinished"),
      remove("once", "spec activeDeadlineSeconds"),
      remove("nightly", "spec jobTemplate spec ttlSecondsAfterFinished"),
      remove("nightly", "spec jobTemplate spec activeDeadlineSeconds"),
      remove("nightly", "spec startingDeadlineSeconds"),
      remove("nightly", "spec concurrencyPolicy"),
      set("nightly", "spec concurrencyPolicy", "Allow"),
    ],
    unknown: [["nightly", "spec concurrencyPolicy"]],
    enough: [["once", "spec ttlSecondsAfterFinished"]],
  },
  "container-safe-shutdown": {
    breaks: [
      set("web", "spec template spec terminationGracePeriodSeconds", 0),
      set("web", "spec template spec terminationGracePeriodSeconds", 30, {
        config: { seconds: 60 },
      }),
    ],
    unknown: [webPod("spec terminationGracePeriodSeconds")],
  },
  "pod-own-service-account": {
    breaks: [inPod("spec serviceAccountName"), inPod("spec serviceAccountName", "default")],
    unknown: [webPod("spec serviceAccountName")],
  },
  "pod-service-account-exists": {
    breaks: [
      inPod("spec serviceAccountName", "wbe"),
      missing("db", "db-account"),
      set("db-account", "metadata namespace", "other", { told: "db" }),
    ],
    unknown: [webPod("spec serviceAccountName"), ["web-account", "metadata namespace"]],
  },
  "pod-no-token-mount": {
    breaks: [
      inPod("spec automountServiceAccountToken", true),
      {
        ...inPod("spec automountServiceAccountToken"),
        plus: [],
        minus: ["web-account", "db-account", "agent-account", "once-account", "nightly-account"],
      },
      set("agent", "spec template spec automountServiceAccountToken", true, {
        minus: ["agent-reads"],
      }),
    ],
    unknown: [webPod("spec automountServiceAccountToken")],
  },
  "env-no-secret-literal": {
    breaks: [
      ...["DB_PASSWORD", "apiKey", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN"].map((name) =>
        inPod(`${first} env 0`, { name, value: "x" }),
      ),
      inPod(`${first} env 0 value`, "postgres://shop:hunter2@db/shop"),
      inPod(`${first} args 0`, "-----BEGIN RSA PRIVATE KEY-----"),
      inPod(`${first} command`, ["sh", "-c", "login AKIAABCDEFGHIJKLMNOP"]),
    ],
    unknown: [webPod(`${first} env 0 value`), webPod(`${first} args`)],
  },
  "env-secrets-as-files": {
    breaks: [
      inPod(`${first} env 0`, {
        name: "PASSWORD",
        valueFrom: { secretKeyRef: { name: "web-secret", key: "password" } },
      }),
      inPod(`${first} envFrom`, [{ secretRef: { name: "web-secret" } }]),
    ],
    unknown: [webPod(`${first} env 0`)],
  },
  "env-keys-unique": {
    breaks: [inPod(`${first} env 1`, { name: "LOG_LEVEL", value: "debug" })],
    unknown: [webPod(`${first} env 0 name`)],
  },
  "config-references-exist": {
    breaks: [
      inPod("spec volumes 4 csi volumeAttributes secretProviderClass", "wbe-entries"),
      inPod("spec volumes 0 configMap name", "wbe-config"),
      inPod("spec volumes 1 secret secretName", "wbe-secret"),
      inPod("spec volumes 2 persistentVolumeClaim claimName", "wbe-claim"),
      inPod("spec volumes 3", {
        name: "all",
        projected: { sources: [{ secret: { name: "wbe-secret" } }] },
      }),
      inPod("spec volumes 3", {
        name: "all",
        projected: { sources: [{ configMap: { name: "wbe-config" } }] },
      }),
      inPod(`${first} envFrom`, [{ configMapRef: { name: "wbe-config" } }]),
      inPod(`${first} env 0`, {
        name: "LEVEL",
        valueFrom: { configMapKeyRef: { name: "wbe-config", key: "level" } },
      }),
      missing("web", "web-config"),
      set("web-secret", "metadata namespace", "other", { told: "web" }),
    ],
    unknown: [webPod("spec volumes 0 configMap name"), ["web-config", "metadata namespace"]],
  },
} satisfies Partial<Record<Judging, RuleCase>>;
