import type { Field } from "../field";
import { some, type Truth } from "../logic";
import { once, type Resource } from "../resource";
import { rule, texts } from "../rule";
import { labelSelector, refersTo, sameNamespace, selectorOf } from "../views/kubernetes";
import { type Pod, POD_OWNERS, podsOf, someContainer } from "../views/pods";

const SERVICE = "core/Service";
const POLICY = "networking.k8s.io/NetworkPolicy";
const INGRESS = "networking.k8s.io/Ingress";

export const network = [
  rule({
    id: "service-exposure-allowed",
    title: "A Service leaves the cluster only where the configuration allows it.",
    severity: "high",
    applies: [SERVICE],
    why: "A NodePort is open on every node, an external IP takes traffic of others, a load balancer costs and is public soon.",
    references: [
      "Kyverno restrict-node-port",
      "Kyverno restrict-service-external-ips",
      "KubeLinter exposed-services",
    ],
    fix: "Set spec.type to ClusterIP, or name the Service in the stack's configuration; remove spec.externalIPs.",
    parameters: {
      loadBalancers: texts(
        ["*"],
        "Names in the program of Services that may be of type LoadBalancer; * is all.",
      ),
    },
    *check(resource, { loadBalancers }) {
      const type = resource.at("spec", "type");
      yield* type.mustNotBe("NodePort");
      const allowed = loadBalancers.includes("*") || loadBalancers.includes(resource.name);
      if (!allowed) yield* type.mustNotBe("LoadBalancer");
      yield* resource
        .at("spec", "externalIPs")
        .must((value) => !Array.isArray(value) || value.length === 0, "must not be set");
    },
  }),
  rule({
    id: "service-selects-pods",
    title: "A Service selects pods of the stack, and its target port is one of theirs.",
    severity: "critical",
    applies: [SERVICE],
    why: "A Service without pods, or at a port nobody listens at, answers nobody.",
    references: [
      "KubeLinter dangling-service",
      "KubeLinter invalid-target-ports",
      "kube-score service-targets-pod",
    ],
    fix: "Set spec.selector to labels of the pods, and spec.ports[].targetPort to a containerPort or its name.",
    *checkStack(stack) {
      for (const service of stack.of(SERVICE)) {
        const selector = service.at("spec", "selector");
        const outside = service.at("spec", "type").value === "ExternalName";
        if (outside || selector.isAbsent || selector.isUnknown) continue;
        const targets = podsOf(stack).map((pod) => ({ pod, chosen: reaches(service, pod) }));
        const found = some(targets, ({ chosen }) => chosen);
        if (found === false) yield selector.finding("must select pods of this stack");
        const chosen = targets.filter((target) => target.chosen === true).map(({ pod }) => pod);
        if (chosen.length > 0) yield* targetPorts(service, chosen);
      }
    },
  }),
  rule({
    id: "pod-network-policy",
    title: "Every pod is under a network policy for each direction.",
    severity: "medium",
    applies: POD_OWNERS,
    why: "A pod under no policy accepts every connection and may open any: one break-in reaches everything.",
    references: ["CIS EKS 4.3.2", "NSA/CISA 2.0", "CKV2_K8S_6", "Polaris missingNetworkPolicy"],
    fix: "Declare a NetworkPolicy with podSelector {} and policyTypes [Ingress, Egress] in the namespace.",
    *checkStack(stack) {
      for (const pod of podsOf(stack)) {
        for (const direction of ["Ingress", "Egress"]) {
          const covered = some(stack.of(POLICY), (policy) => governs(policy, pod, direction));
          if (covered !== false) continue;
          const path = pod.metadata.path;
          yield pod.owner.finding(path, `must be under a NetworkPolicy for ${direction}`);
        }
      }
    },
  }),
  rule({
    id: "network-policy-effective",
    title: "Every network policy governs pods of the stack.",
    severity: "medium",
    applies: [POLICY],
    why: "A policy whose selector misses its pods protects nothing, and looks as if it did.",
    references: ["KubeLinter dangling-networkpolicy", "kube-score networkpolicy-targets-pod"],
    fix: "Set spec.podSelector to labels of the pods, or to {} for all of the namespace.",
    *checkStack(stack) {
      for (const policy of stack.of(POLICY)) {
        const selector = policy.at("spec", "podSelector");
        const all = ["matchLabels", "matchExpressions"].every((key) => selector.at(key).isAbsent);
        if (selector.isUnknown || all) continue;
        if (some(podsOf(stack), (pod) => selects(policy, pod)) !== false) continue;
        yield selector.finding("must select pods of this stack");
      }
    },
  }),
  rule({
    id: "ingress-tls",
    title: "An Ingress serves named hosts, and serves them over TLS.",
    severity: "high",
    applies: [INGRESS],
    why: "Without TLS passwords and cookies travel in the clear; without a host it takes the traffic of all names.",
    references: ["Polaris tlsSettingsMissing", "Kyverno disallow-empty-ingress-host"],
    fix: "Set spec.tls[].hosts and spec.rules[].host.",
    *check(resource) {
      const tls = resource.at("spec", "tls");
      const hosts = tls.items().map((one) => one.at("hosts").texts());
      yield* tls.must((value) => Array.isArray(value) && value.length > 0, "must be set");
      for (const one of resource.at("spec", "rules").items()) {
        const host = one.at("host");
        yield* host.mustBeSet();
        if (host.text === undefined || tls.isUnknown || hosts.includes(undefined)) continue;
        if (!hosts.flat().includes(host.text))
          yield host.finding("must be one of spec.tls[].hosts");
      }
    },
  }),
  rule({
    id: "ingress-backend-exists",
    title: "Every backend of an Ingress is a Service of the stack.",
    severity: "high",
    applies: [INGRESS],
    why: "A missing backend answers every request with 503.",
    references: ["KubeLinter dangling-ingress", "kube-score ingress-targets-service"],
    fix: "Name a Service of the same namespace in backend.service.name.",
    *checkStack(stack) {
      for (const ingress of stack.of(INGRESS)) {
        const spec = ingress.at("spec");
        const paths = spec
          .at("rules")
          .items()
          .flatMap((one) => one.at("http", "paths").items());
        const backends = [spec.at("defaultBackend"), ...paths.map((path) => path.at("backend"))];
        const near = stack.of(SERVICE).filter((one) => sameNamespace(one, ingress) !== false);
        for (const name of backends.map((backend) => backend.at("service", "name"))) {
          if (name.isAbsent || refersTo(ingress, name, near) !== false) continue;
          yield name.finding("must be a Service of this stack in the same namespace");
        }
      }
    },
  }),
  rule({
    id: "statefulset-headless-service",
    title: "A StatefulSet has a headless Service of the stack.",
    severity: "high",
    applies: ["apps/StatefulSet"],
    why: "Its pods get their names in DNS from that Service; without it they do not find each other.",
    references: ["kube-score statefulset-has-servicename"],
    fix: "Declare a Service with clusterIP None, and name it in spec.serviceName.",
    *checkStack(stack) {
      for (const workload of stack.of("apps/StatefulSet")) {
        const name = workload.at("spec", "serviceName");
        const headless = stack
          .of(SERVICE)
          .filter((one) => isHeadless(one.at("spec", "clusterIP")))
          .filter((one) => sameNamespace(one, workload) !== false);
        if (!name.isAbsent && refersTo(workload, name, headless) !== false) continue;
        yield name.finding("must be a headless Service of this stack in the same namespace");
      }
    },
  }),
] as const;

function reaches(service: Resource, { owner, labels }: Pod): Truth {
  const near = sameNamespace(service, owner);
  return near === true ? serviceSelector(service)(labels) : near;
}

const serviceSelector = once((service: Resource) => labelSelector(service.at("spec", "selector")));

function selects(policy: Resource, { owner, labels }: Pod): Truth {
  const near = sameNamespace(policy, owner);
  return near === true ? podSelector(policy)(labels) : near;
}

const podSelector = once((policy: Resource) => selectorOf(policy.at("spec", "podSelector")));

/** Without policyTypes a policy counts for Ingress, and for Egress where it has rules for it. */
function governs(policy: Resource, pod: Pod, direction: string): Truth {
  const types = policy.at("spec", "policyTypes");
  if (types.isAbsent) {
    if (direction === "Egress" && policy.at("spec", "egress").isAbsent) return false;
  } else if (types.texts()?.includes(direction) === false) return false;
  return selects(policy, pod);
}

/** A port without targetPort goes to the same number. */
function* targetPorts(service: Resource, pods: readonly Pod[]) {
  for (const port of service.at("spec", "ports").items()) {
    const target = port.at("targetPort").isAbsent ? port.at("port") : port.at("targetPort");
    const wanted = target.value;
    if (wanted === undefined) continue;
    if (some(pods, (pod) => opens(pod, wanted)) !== false) continue;
    yield target.finding("must be a port of a container, or the name of one");
  }
}

function opens(pod: Pod, wanted: unknown): Truth {
  const key = typeof wanted === "string" ? "name" : "containerPort";
  const isPort = (port: Field): Truth => {
    const field = port.at(key);
    return field.isUnknown ? undefined : field.value === wanted;
  };
  return someContainer(pod, (container) => container.at("ports").some(isPort));
}

/** One that is not known yet may be. */
function isHeadless(address: Field): boolean {
  return address.isUnknown || address.value === "None";
}
