import { oneOf } from "../logic";
import { integer, rule, texts } from "../rule";
import { containers, effective, pod, POD_OWNERS } from "../views/pods";

const applies = POD_OWNERS;

export const containerSecurity = [
  rule({
    id: "container-not-privileged",
    title: "No container is privileged.",
    severity: "critical",
    applies,
    why: "A privileged container has every right of root on the node.",
    references: ["CIS EKS 4.2.1", "Pod Security Standard baseline", "NSA/CISA 1.2", "CKV_K8S_16"],
    fix: "Remove securityContext.privileged, or set it to false.",
    *check(resource) {
      for (const container of containers(pod(resource))) {
        yield* container.at("securityContext", "privileged").mustNotBe(true);
      }
    },
  }),
  rule({
    id: "container-no-privilege-escalation",
    title: "No process can gain more privileges than its parent.",
    severity: "high",
    applies,
    why: "Absent counts as true: a set-user-id file in the image makes its user root.",
    references: ["CIS EKS 4.2.5", "Pod Security Standard restricted", "NSA/CISA 1.7", "CKV_K8S_20"],
    fix: "Set securityContext.allowPrivilegeEscalation to false in every container.",
    *check(resource) {
      for (const container of containers(pod(resource))) {
        yield* container.at("securityContext", "allowPrivilegeEscalation").mustBe(false);
      }
    },
  }),
  rule({
    id: "container-runs-as-non-root",
    title: "No container runs as root.",
    severity: "high",
    applies,
    why: "Root in a container is root on the node as soon as it gets out.",
    references: ["CIS EKS 4.2.6", "Pod Security Standard restricted", "NSA/CISA 1.0", "CKV_K8S_23"],
    fix: "Set securityContext.runAsNonRoot to true for the pod, and runAsUser, where it is set, to another id than 0.",
    *check(resource) {
      const here = pod(resource);
      for (const container of containers(here)) {
        yield* effective(container, here, "runAsNonRoot").mustBe(true);
        yield* effective(container, here, "runAsUser").mustNotBe(0);
        yield* effective(container, here, "runAsGroup").mustNotBe(0);
      }
    },
  }),
  rule({
    id: "container-high-user-id",
    title: "A user or group id that a pod sets is none of the node's own.",
    severity: "low",
    applies,
    why: "Ids of the node's accounts own files of the node; a process that gets out has them.",
    references: ["CKV_K8S_40", "kube-score container-security-context-user-group-id"],
    fix: "Set securityContext.runAsUser and runAsGroup to at least the minimum, or leave them to the image.",
    parameters: { minimum: integer(10_000, "Lowest user and group id that a pod may set.") },
    *check(resource, { minimum }) {
      const here = pod(resource);
      const high = (id: unknown) => id === undefined || (typeof id === "number" && id >= minimum);
      for (const container of containers(here)) {
        for (const key of ["runAsUser", "runAsGroup"]) {
          yield* effective(container, here, key).must(high, `must be at least ${minimum}`);
        }
      }
    },
  }),
  rule({
    id: "container-read-only-root",
    title: "The file system of every container is read-only.",
    severity: "high",
    applies,
    why: "What breaks into a container cannot change or add a program there.",
    references: ["NSA/CISA 1.1", "CKV_K8S_22", "Kyverno require-ro-rootfs"],
    fix: "Set securityContext.readOnlyRootFilesystem to true, and mount an emptyDir where the program writes.",
    *check(resource) {
      for (const container of containers(pod(resource))) {
        yield* container.at("securityContext", "readOnlyRootFilesystem").mustBe(true);
      }
    },
  }),
  rule({
    id: "container-drops-capabilities",
    title: "Every container drops all capabilities, and adds none but allowed ones.",
    severity: "high",
    applies,
    why: "The default set lets a process forge packets and change owners of files.",
    references: ["CIS EKS 4.2.7", "Pod Security Standard restricted", "CKV_K8S_37", "CKV_K8S_28"],
    fix: 'Set securityContext.capabilities.drop to ["ALL"], and add only what the configuration allows.',
    parameters: {
      allowed: texts(["NET_BIND_SERVICE"], "Capabilities that a container may add."),
    },
    *check(resource, { allowed }) {
      for (const container of containers(pod(resource))) {
        const capabilities = container.at("securityContext", "capabilities");
        const drop = capabilities.at("drop").texts();
        if (drop?.includes("ALL") === false) {
          yield capabilities.at("drop").finding("must contain ALL");
        }
        for (const added of capabilities.at("add").items()) {
          yield* added.must(oneOf(allowed), "must not be added");
        }
      }
    },
  }),
  rule({
    id: "container-no-host-port",
    title: "No container takes a port of its node.",
    severity: "medium",
    applies,
    why: "It is reachable past every Service and most network policies, and one node holds only one such pod.",
    references: ["Pod Security Standard baseline", "CKV_K8S_26", "Kyverno disallow-host-ports"],
    fix: "Remove ports[].hostPort and reach the pods through a Service.",
    *check(resource) {
      for (const container of containers(pod(resource))) {
        for (const port of container.at("ports").items()) {
          yield* port
            .at("hostPort")
            .must((value) => value === undefined || value === 0, "must not be set");
        }
      }
    },
  }),
  rule({
    id: "container-safe-ports",
    title: "No container listens at the port of ssh, or at one that needs privileges.",
    severity: "low",
    applies,
    why: "A shell over the network is a second way in; a low port needs a capability that the pod should not have.",
    references: ["KubeLinter ssh-port", "KubeLinter privileged-ports"],
    fix: "Set ports[].containerPort to 1024 or more and map it in the Service.",
    *check(resource) {
      for (const container of containers(pod(resource))) {
        for (const port of container.at("ports").items()) {
          const high = (value: unknown) => typeof value !== "number" || value >= 1024;
          yield* port.at("containerPort").must(high, "must be at least 1024");
        }
      }
    },
  }),
] as const;
