import type { Field } from "../field";
import { oneOf } from "../logic";
import { rule, texts } from "../rule";
import { containers, effective, pod, POD_OWNERS } from "../views/pods";

const applies = POD_OWNERS;

/** Those of the Pod Security level restricted, and `image`, which is read-only by nature. */
const SAFE_VOLUMES = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
];

const SAFE_SYSCTLS = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
];

const SELINUX_TYPES = ["container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

export const podSecurity = [
  rule({
    id: "pod-seccomp-profile",
    title: "Every process runs under a seccomp profile, and nothing loosens AppArmor or SELinux.",
    severity: "medium",
    applies,
    why: "Without a profile a process may call everything the kernel has, its seldom tested parts too.",
    references: ["Pod Security Standard restricted", "NSA/CISA 1.8", "CKV_K8S_31"],
    fix: "Set securityContext.seccompProfile.type to RuntimeDefault for the pod.",
    *check(resource) {
      const here = pod(resource);
      for (const container of containers(here)) {
        yield* effective(container, here, "seccompProfile")
          .at("type")
          .must(
            (type) => type === "RuntimeDefault" || type === "Localhost",
            "must be RuntimeDefault or Localhost",
          );
        yield* effective(container, here, "appArmorProfile").at("type").mustNotBe("Unconfined");
        yield* seLinux(effective(container, here, "seLinuxOptions"));
      }
    },
  }),
  rule({
    id: "pod-no-host-namespaces",
    title: "No pod shares the processes, the memory or the network of its node.",
    severity: "critical",
    applies,
    why: "Such a pod sees the node's processes, or speaks at every network interface of the node.",
    references: ["CIS EKS 4.2.2", "CIS EKS 4.2.3", "CIS EKS 4.2.4", "NSA/CISA 1.3", "CKV_K8S_17"],
    fix: "Remove hostPID, hostIPC and hostNetwork from the pod's spec.",
    *check(resource) {
      const { spec } = pod(resource);
      for (const key of ["hostPID", "hostIPC", "hostNetwork"]) yield* spec.at(key).mustNotBe(true);
    },
  }),
  rule({
    id: "pod-no-host-paths",
    title:
      "A pod mounts no path of its node, and only kinds of volume that the restricted level has.",
    severity: "critical",
    applies,
    why: "A path of the node, or the socket of its container runtime, hands over the node.",
    references: ["Pod Security Standard restricted", "CKV_K8S_27", "Kyverno restrict-volume-types"],
    fix: "Replace volumes[].hostPath (and other host-bound volumes) by emptyDir, configMap, secret or a claim.",
    parameters: { allowed: texts(SAFE_VOLUMES, "Kinds of volume that a pod may have.") },
    *check(resource, { allowed }) {
      for (const volume of pod(resource).spec.at("volumes").items()) {
        for (const [kind, source] of volume.entries()) {
          if (kind === "name" || allowed.includes(kind) || source.isAbsent) continue;
          yield source.finding("must not be a source of a volume");
        }
      }
    },
  }),
  rule({
    id: "pod-safe-kernel-settings",
    title: "No pod changes unsafe kernel settings, unmasks /proc or runs as a host process.",
    severity: "high",
    applies,
    why: "Such settings reach over the borders of the pod.",
    references: [
      "Pod Security Standard baseline",
      "Kyverno restrict-sysctls",
      "Kyverno disallow-proc-mount",
    ],
    fix: "Remove securityContext.procMount, sysctls outside the safe set and windowsOptions.hostProcess.",
    *check(resource) {
      const here = pod(resource);
      const { spec } = here;
      for (const sysctl of spec.at("securityContext", "sysctls").items()) {
        yield* sysctl.at("name").must(oneOf(SAFE_SYSCTLS), "must be in the safe set");
      }
      for (const container of containers(here)) {
        yield* container
          .at("securityContext", "procMount")
          .must((value) => value === undefined || value === "Default", "must be Default");
        yield* effective(container, here, "windowsOptions").at("hostProcess").mustNotBe(true);
      }
    },
  }),
  rule({
    id: "pod-volumes-bounded",
    title: "Every emptyDir has a limit.",
    severity: "low",
    applies,
    why: "Without one a pod can fill the disk of its node, and the node evicts its neighbours.",
    references: ["Kubernetes documentation: local ephemeral storage"],
    fix: "Set volumes[].emptyDir.sizeLimit.",
    *check(resource) {
      for (const volume of pod(resource).spec.at("volumes").items()) {
        const emptyDir = volume.at("emptyDir");
        if (!emptyDir.isAbsent) yield* emptyDir.at("sizeLimit").mustBeSet();
      }
    },
  }),
] as const;

function* seLinux(options: Field) {
  const safe = (type: unknown) => type === undefined || oneOf(SELINUX_TYPES)(type);
  yield* options.at("type").must(safe, "must be a type of containers");
  for (const key of ["user", "role"]) {
    yield* options.at(key).must((value) => value === undefined, "must not be set");
  }
}
