import type { Promised } from "./promised";

const DEPLOYMENT = "registry: kubernetes.apps/v1.Deployment";
const STATEFUL_SET = "registry: kubernetes.apps/v1.StatefulSet";
const DAEMON_SET = "CHANGELOG 4.12.0 and awaiter of DaemonSet";
const JOB = "registry: kubernetes.batch/v1.Job";
const POD = "registry: kubernetes.core/v1.Pod";
const SERVICE = "registry: kubernetes.core/v1.Service";
const INGRESS = "registry: kubernetes.networking.k8s.io/v1.Ingress";
const WAIT_FOR = "CHANGELOG 4.18.0: pulumi.com/waitFor";
const ANNOTATIONS = "blog: Improved Kubernetes Await Logic";

const READINESS = "readiness on a real API server";
const WORKLOADS = "workloads on a real API server";
const KINDS = "other kinds on a real API server";
const CONTROL = "what a program says about waiting";

export const promises: readonly Promised[] = [
  {
    id: "await-deployment",
    promise: "A Deployment is ready when its current revision is rolled out and available.",
    source: DEPLOYMENT,
    status: "yes",
    note: "Decided by its replica counts: no Pod of an earlier revision may be left.",
    test: `${READINESS} > waits for a Deployment and tells its progress`,
  },
  {
    id: "await-deployment-failure",
    promise: "A Deployment that is not ready in time fails, with the errors of its Pods.",
    source: DEPLOYMENT,
    status: "yes",
    test: `${READINESS} > keeps a Deployment that never becomes ready in state, with the kubelet's reason`,
  },
  {
    id: "await-statefulset",
    promise:
      "A StatefulSet is ready when replicas, currentReplicas and readyReplicas match spec.replicas " +
      "and currentRevision matches updateRevision.",
    source: STATEFUL_SET,
    status: "yes",
    test: `${WORKLOADS} > waits for a apps/v1:StatefulSet and for its update`,
  },
  {
    id: "await-statefulset-partition",
    promise: "A StatefulSet's update with a partition is ready by the same conditions.",
    source: STATEFUL_SET,
    status: "differs",
    note: "Waits for the Pods from the partition on; the official one waits for a revision that cannot come.",
    test: `${WORKLOADS} > does not wait for pods that a partition or OnDelete leaves as they are`,
  },
  {
    id: "await-daemonset",
    promise: "A DaemonSet is ready when all its Pods are scheduled, updated and available.",
    source: DAEMON_SET,
    status: "yes",
    test: `${WORKLOADS} > waits for a apps/v1:DaemonSet and for its update`,
  },
  {
    id: "await-daemonset-ondelete",
    promise: "A DaemonSet with OnDelete is waited for until somebody has deleted the old Pods.",
    source: DAEMON_SET,
    status: "differs",
    note: "Not waited for: the strategy leaves the time to a person, as it does for a StatefulSet.",
    test: `${WORKLOADS} > does not wait for pods that a partition or OnDelete leaves as they are`,
  },
  {
    id: "await-replicationcontroller",
    promise: "A ReplicationController is ready when availableReplicas matches spec.replicas.",
    source: "awaiter of ReplicationController",
    status: "yes",
    test: `${WORKLOADS} > waits for a core/v1:ReplicationController and for its update`,
  },
  {
    id: "await-replicaset",
    promise: "A ReplicaSet is not waited for.",
    source: "table of awaiters",
    status: "differs",
    note: "Waited for like a ReplicationController.",
    test: `${WORKLOADS} > waits for a apps/v1:ReplicaSet and for its update`,
  },
  {
    id: "await-job",
    promise: "A Job is ready when it has started and its condition Complete is true.",
    source: JOB,
    status: "yes",
    note: "A suspended Job is not waited for, and one that its TTL removed counts as finished.",
    test: `${WORKLOADS} > waits for a Job's run, but not for a suspended or an already removed one`,
  },
  {
    id: "await-job-failure",
    promise: "A Job whose condition Failed is true fails at once.",
    source: JOB,
    status: "yes",
    note: "For any reason; the official one knows BackoffLimitExceeded and DeadlineExceeded.",
    test: `${WORKLOADS} > fails a Job at once when its run has, with the last words of its pods`,
  },
  {
    id: "await-job-replace-unready",
    promise:
      "With pulumi.com/replaceUnready a Job that is not ready is replaced by the next update.",
    source: JOB,
    status: "yes",
    test: `${WORKLOADS} > fails a Job at once when its run has, with the last words of its pods`,
  },
  {
    id: "await-pod",
    promise: "A Pod is ready when it is scheduled, initialized and ready, or has succeeded.",
    source: POD,
    status: "yes",
    test: "a Pod > is ready by its condition, or when its run ended well",
  },
  {
    id: "await-service",
    promise: "A Service is ready when its endpoints are, after 10 seconds for stragglers.",
    source: SERVICE,
    status: "differs",
    note: "One ready endpoint is enough, at once: the workload behind it waits for the rest.",
    test: `${READINESS} > waits for a Service until a pod is ready, at once when one is`,
  },
  {
    id: "await-service-exceptions",
    promise:
      "Endpoints are not needed by a headless or ExternalName Service or one without selector.",
    source: SERVICE,
    status: "yes",
    test: "a Service > needs a ready endpoint only where it has pods to find",
  },
  {
    id: "await-service-loadbalancer",
    promise: "A Service of type LoadBalancer needs an external address.",
    source: SERVICE,
    status: "yes",
    test: `${READINESS} > waits for a load balancer's address and shows why there is none`,
  },
  {
    id: "await-ingress",
    promise:
      "An Ingress is ready when every path has endpoints (but for ExternalName Services) and " +
      "status.loadBalancer.ingress has an entry.",
    source: INGRESS,
    status: "yes",
    note: "The default backend counts as a path.",
    test: `${KINDS} > waits for an Ingress: its backends, then its address`,
  },
  {
    id: "await-ingress-missing-backend",
    promise: "A backend that does not come within a minute is a warning only.",
    source: `${INGRESS}; issue 1810`,
    status: "yes",
    test: "an Ingress > names the backends that are missing, and after a minute goes on without them",
  },
  {
    id: "await-persistentvolume",
    promise: "A PersistentVolume is ready when it is available or bound.",
    source: "awaiter of PersistentVolume",
    status: "yes",
    test: `${KINDS} > waits for an aggregated API, a volume, a quota and a token`,
  },
  {
    id: "await-persistentvolumeclaim",
    promise:
      "A PersistentVolumeClaim is ready when it is bound, or pending where its class waits for the " +
      "first consumer.",
    source: "CHANGELOG 4.16.0",
    status: "yes",
    test: `${READINESS} > waits for a volume, but not where binding waits for a pod`,
  },
  {
    id: "await-resourcequota",
    promise: "A ResourceQuota is ready when status.hard matches spec.hard.",
    source: "awaiter of ResourceQuota",
    status: "yes",
    test: `${KINDS} > waits for an aggregated API, a volume, a quota and a token`,
  },
  {
    id: "await-secret-token",
    promise: "A Secret of type kubernetes.io/service-account-token is ready when it has data.",
    source: "awaiter of Secret",
    status: "yes",
    test: `${KINDS} > waits for an aggregated API, a volume, a quota and a token`,
  },
  {
    id: "await-serviceaccount",
    promise: "A ServiceAccount is not waited for on Kubernetes 1.24 and later.",
    source: "awaiter of ServiceAccount",
    status: "yes",
    note: "On older versions neither.",
    test: `${KINDS} > does not wait for the kinds that have nothing to wait for`,
  },
  {
    id: "await-hpa",
    promise: "A HorizontalPodAutoscaler is not waited for.",
    source: "table of awaiters",
    status: "differs",
    note: "Waited for half a minute at most; then a warning tells why it does not scale. It never fails.",
    test: `${KINDS} > tells that an autoscaler has no metrics, and fails no update for it`,
  },
  {
    id: "await-crd",
    promise: "A CustomResourceDefinition is not waited for; creates of its kind are retried.",
    source: "table of awaiters",
    status: "differs",
    note: "Waited for until it is established; refused names fail at once. Creates are retried too.",
    test: `${KINDS} > waits until a new kind is served, and says why it is not`,
  },
  {
    id: "await-apiservice",
    promise: "An APIService is not waited for.",
    source: "table of awaiters",
    status: "differs",
    note: "Waited for until it is available: no object of its group could be made before.",
    test: `${KINDS} > waits for an aggregated API, a volume, a quota and a token`,
  },
  {
    id: "await-others",
    promise: "Any other kind is ready once it exists.",
    source: ANNOTATIONS,
    status: "yes",
    test: `${KINDS} > does not wait for the kinds that have nothing to wait for`,
  },
  {
    id: "await-all",
    promise:
      "With PULUMI_K8S_AWAIT_ALL=true other kinds, custom resources too, are ready by well-known " +
      "conventions such as the condition Ready.",
    source: "CHANGELOG 4.18.0",
    status: "yes",
    test: "any other kind, on request > is waited for only where PULUMI_K8S_AWAIT_ALL says so",
  },
  {
    id: "waitfor-jsonpath",
    promise:
      "pulumi.com/waitFor takes jsonpath={.path} and jsonpath={.path}=value with an RFC 9535 path.",
    source: `${WAIT_FOR}; CHANGELOG 4.24.0`,
    status: "yes",
    test: `${CONTROL} > waits for any object as pulumi.com/waitFor asks, also where its kind has a rule`,
  },
  {
    id: "waitfor-condition",
    promise:
      "pulumi.com/waitFor takes condition=Type and condition=Type=Status, like kubectl wait.",
    source: WAIT_FOR,
    status: "yes",
    test: "the annotation pulumi.com/waitFor > is met by condition=Reconciling=False",
  },
  {
    id: "waitfor-list",
    promise: "pulumi.com/waitFor takes a JSON array of expressions, which all have to be met.",
    source: WAIT_FOR,
    status: "yes",
    test: 'the annotation pulumi.com/waitFor > is met by ["jsonpath={.status.phase}", "condition=Synced"]',
  },
  {
    id: "waitfor-precedence",
    promise:
      "pulumi.com/waitFor overrides the rule of the kind; pulumi.com/skipAwait overrides both.",
    source: `${WAIT_FOR}; CHANGELOG 4.18.4`,
    status: "yes",
    test: `${CONTROL} > waits for nothing with pulumi.com/skipAwait, but for a name to be free again`,
  },
  {
    id: "waitfor-invalid",
    promise: "An expression that cannot be parsed is an error.",
    source: WAIT_FOR,
    status: "differs",
    note: "Already in the preview, before the object is made.",
    test: `${CONTROL} > refuses what it cannot understand before anything is made`,
  },
  {
    id: "skipawait",
    promise:
      "With pulumi.com/skipAwait an object is ready once it exists, on create, update and read.",
    source: ANNOTATIONS,
    status: "yes",
    test: `${CONTROL} > waits for nothing with pulumi.com/skipAwait, but for a name to be free again`,
  },
  {
    id: "skipawait-delete",
    promise: "Deletion is still waited for, but for workloads, Jobs, Pods and Namespaces.",
    source: "issues 1232 and 3154",
    status: "yes",
    test: `${CONTROL} > waits for nothing with pulumi.com/skipAwait, but for a name to be free again`,
  },
  {
    id: "timeout",
    promise:
      "Ten minutes by default; customTimeouts comes before pulumi.com/timeoutSeconds, and either " +
      "before the default.",
    source: `${DEPLOYMENT}; issue 672`,
    status: "yes",
    note: "Other kinds too. A zero or a text in the annotation is told and ignored.",
    test: `${CONTROL} > waits as long as customTimeouts or else pulumi.com/timeoutSeconds say`,
  },
  {
    id: "deletion-propagation",
    promise: "pulumi.com/deletionPropagationPolicy is foreground by default, background or orphan.",
    source: ANNOTATIONS,
    status: "yes",
    test: `${CONTROL} > deletes dependents first, later or not at all, as the annotation says`,
  },
  {
    id: "deletion-finalizers",
    promise: "Finalizers that might block a deletion are named.",
    source: "CHANGELOG 4.18.0",
    status: "yes",
    note: "After five seconds in the progress, and in the error.",
    test: `${CONTROL} > names the finalizers that hold a deletion, in its progress and in its error`,
  },
  {
    id: "warning-events",
    promise: "Warning events of an object are shown while it is waited for.",
    source: "CHANGELOG 4.18.0",
    status: "yes",
    note: "In the progress and in the error, also those of its Pods.",
    test: `${READINESS} > waits for a load balancer's address and shows why there is none`,
  },
  {
    id: "partial-failure",
    promise:
      "An object that does not become ready stays in state, and the next update waits for it.",
    source: `${JOB}: replaceUnready`,
    status: "yes",
    test: "Ctrl-C while the real CLI waits > waits again in the next run",
  },
  {
    id: "cancel",
    promise: "A cancelled update stops waiting.",
    source: "awaiters: cancellation error",
    status: "yes",
    test: "Ctrl-C while the real CLI waits > stops at once, keeps the object in state, and leaves no lock",
  },
  {
    id: "outage",
    promise: "Waiting goes on after the API server was away.",
    source: "informers of client-go",
    status: "yes",
    test: `${CONTROL} > goes on waiting while the API server is away, and says that it does`,
  },
];
