import type { Finding } from "../field";
import { noneOf, oneOf, same, some } from "../logic";
import { rule, texts } from "../rule";
import { nameOf, NAMESPACED, namespaceOf } from "../views/kubernetes";
import { podOf, REPLICATED } from "../views/pods";

const NAMESPACE = "core/Namespace";
const PREVIEW_VERSION = /\/v\d+(?:alpha|beta)\d+$|^v\d+(?:alpha|beta)\d+$/;

export const namespaces = [
  rule({
    id: "object-namespace-set",
    title: "Every object names its namespace, and none of the cluster's own.",
    severity: "medium",
    applies: NAMESPACED,
    why: "In default there are no quota and no rules; in kube-system a pod may get rights of the cluster.",
    references: [
      "CIS EKS 4.5.3",
      "NSA/CISA 1.12",
      "CKV_K8S_21",
      "Kyverno disallow-default-namespace",
    ],
    fix: "Set metadata.namespace to a namespace of the platform.",
    parameters: {
      reserved: texts(
        ["default", "kube-system", "kube-public", "kube-node-lease"],
        "Namespaces that no object of a stack may be in.",
      ),
    },
    *check(resource, { reserved }) {
      const namespace = resource.at("metadata", "namespace");
      yield* namespace.mustBeSet();
      yield* namespace.must(noneOf(reserved), "must not be a reserved one");
    },
  }),
  rule({
    id: "namespace-pod-security",
    title: "Every namespace enforces the Pod Security level restricted.",
    severity: "high",
    applies: [NAMESPACE],
    why: "It is what stops a pod that did not come through this program.",
    references: [
      "Pod Security Standard restricted",
      "Kyverno podsecurity-subrule",
      "CIS EKS 4.2.1",
    ],
    fix: "Set metadata.labels pod-security.kubernetes.io/enforce to restricted.",
    parameters: {
      levels: texts(["restricted"], "Levels that are enough; baseline may be added."),
    },
    *check(resource, { levels }) {
      yield* resource
        .at("metadata", "labels", "pod-security.kubernetes.io/enforce")
        .must(oneOf(levels), `must be ${levels.join(" or ")}`);
    },
  }),
  rule({
    id: "namespace-quota",
    title: "Every namespace has a ResourceQuota and a LimitRange.",
    severity: "medium",
    applies: [NAMESPACE],
    why: "Without them one team's mistake takes the whole cluster's capacity.",
    references: ["NSA/CISA 4.0", "NSA/CISA 4.1", "Kyverno add-ns-quota"],
    fix: "Declare a ResourceQuota and a LimitRange whose metadata.namespace is the namespace.",
    *checkStack(stack) {
      for (const namespace of stack.of(NAMESPACE)) {
        for (const kind of ["ResourceQuota", "LimitRange"]) {
          const found = some(stack.of(`core/${kind}`), (one) =>
            same(namespaceOf(one), nameOf(namespace)),
          );
          if (found === false) yield namespace.finding("metadata.name", `must have a ${kind}`);
        }
      }
    },
  }),
  rule({
    id: "object-labels",
    title: "Workloads and Services carry the labels by which tools group them.",
    severity: "low",
    applies: [...REPLICATED, "apps/DaemonSet", "batch/CronJob", "core/Service", NAMESPACE],
    why: "Costs, alerts and dashboards go by these labels.",
    references: [
      "Kyverno require-labels",
      "KubeLinter required-label-owner",
      "Kubernetes: recommended labels",
    ],
    fix: "Set metadata.labels, and those of the pod template.",
    parameters: {
      required: texts(["app.kubernetes.io/part-of"], "Labels that every such object must have."),
    },
    *check(resource, { required }) {
      const places = [resource.at("metadata"), podOf(resource)?.metadata];
      for (const place of places) {
        for (const label of required) yield* place?.at("labels", label).mustBeSet() ?? noFindings;
      }
    },
  }),
  rule({
    id: "object-api-version-stable",
    title: "Objects are of a stable version of the API.",
    severity: "medium",
    applies: [...NAMESPACED, NAMESPACE, "storage.k8s.io/StorageClass", "batch/CronJob"],
    why: "An upgrade of the cluster removes alpha and beta versions, and the objects cannot be applied any more.",
    references: [
      "kube-score stable-version",
      "KubeLinter no-extensions-v1beta",
      "Kyverno check-deprecated-apis",
    ],
    fix: "Use the class of the stable version, such as k8s.batch.v1.CronJob; it sets apiVersion.",
    *check(resource) {
      const version = /^kubernetes:(.+):\w+$/.exec(resource.facts.type)?.[1] ?? "";
      if (PREVIEW_VERSION.test(version) || version.startsWith("extensions/")) {
        yield resource.finding("apiVersion", "must be a stable version");
      }
    },
  }),
] as const;

const noFindings: readonly Finding[] = [];
