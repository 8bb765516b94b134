import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { clusterCgroup } from "./cgroups";
import { cniConfigFolder } from "./containerd";
import type { Tools } from "./control-plane";
import type { Daemon } from "./daemon";
import { inMounts, KUBELET_FOLDER } from "./mounts";
import type { ClusterPaths } from "./paths";
import { kubeconfig } from "./kubeconfig";
import { inNetwork, readText, SYSTEM_PATH } from "./process";
import { registryDaemon } from "./registry";
import { settingsOf } from "./node-settings";
import {
  apiServerUrl,
  CLUSTER_DOMAIN,
  type ClusterRecord,
  DNS_SERVICE_ADDRESS,
  POD_CIDR,
  providerId,
  realNodeName,
} from "./spec";

/** Where kube-proxy answers /healthz, on the node's address. */
export const PROXY_HEALTH_PORT = 10256;

/** Processes of the real node, in the order they start. */
export const NODE_COMPONENTS = ["registry", "containerd", "kubelet", "kube-proxy"] as const;
type NodeComponent = (typeof NODE_COMPONENTS)[number];

/** How each process of the real node is started. */
export function nodeDaemons(
  record: ClusterRecord,
  paths: ClusterPaths,
  tools: Tools,
): Record<NodeComponent, Daemon> {
  const name = realNodeName(record.spec.name);
  const labels = Object.entries(kubeletLabels(record)).map(([key, value]) => `${key}=${value}`);
  const daemon = (component: NodeComponent, args: string[]): Daemon => {
    const file = tools[component] ?? component;
    // containerd looks for its shim beside itself and on PATH.
    const env = { PATH: `${dirname(tools["containerd-shim-runc-v2"] ?? "")}:${SYSTEM_PATH}` };
    const command = { file, args, env };
    return { name: component, command: inMounts(paths, inNetwork(record.network, command)) };
  };
  return {
    registry: registryDaemon(record.network, paths, tools),
    containerd: daemon("containerd", [
      ...["--config", join(paths.node, "containerd.toml"), "--log-level", "warn"],
    ]),
    kubelet: daemon("kubelet", [
      `--config=${join(paths.node, "kubelet.yaml")}`,
      `--kubeconfig=${join(paths.node, "kubelet.kubeconfig")}`,
      `--root-dir=${KUBELET_FOLDER}`,
      `--cert-dir=${join(KUBELET_FOLDER, "pki")}`,
      `--hostname-override=${name}`,
      `--node-ip=${record.network.address}`,
      `--node-labels=${labels.join(",")}`,
    ]),
    "kube-proxy": daemon("kube-proxy", [`--config=${join(paths.node, "kube-proxy.yaml")}`]),
  };
}

/** At its start a kubelet puts these back to what it was told; all others are set through the API alone. */
function kubeletLabels(record: ClusterRecord): Record<string, string> {
  const type = "node.kubernetes.io/instance-type";
  const own = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone", type];
  const labels = { [type]: "drydock", ...settingsOf(record, "real").labels };
  return Object.fromEntries(Object.entries(labels).filter(([key]) => own.includes(key)));
}

/**
 * Writes the configuration of kubelet and kube-proxy where it differs: it follows the program, and a
 * kube-proxy ends when its file is touched.
 *
 * @returns the components whose configuration is another one now
 */
export function configureNode(record: ClusterRecord, paths: ClusterPaths): string[] {
  // Pods ask the cluster's DNS alone: there is no way out of the network namespace.
  writeFileSync(join(paths.node, "resolv.conf"), `search ${CLUSTER_DOMAIN}\n`);
  const configurations = [
    ["kubelet", kubeletConfig(record, paths)],
    ["kube-proxy", kubeProxyConfig(record, paths)],
  ] as const;
  return configurations.flatMap(([component, config]) => {
    const file = join(paths.node, `${component}.yaml`);
    if (readText(file) === json(config)) {
      return [];
    }
    writeFileSync(file, json(config));
    return [component];
  });
}

/** Certificates of kubelet and kube-proxy, from the control plane's authority. */
export async function certifyNode(record: ClusterRecord, paths: ClusterPaths): Promise<void> {
  const name = realNodeName(record.spec.name);
  // Loaded when a node is made: a preview need not know X.509.
  const { CertificateAuthority } = await import("./pki.js");
  const authority = await CertificateAuthority.load(paths.controlPlaneCertificates);
  mkdirSync(paths.certificates, { recursive: true, mode: 0o700 });
  const { address } = record.network;
  await authority.issue(join(paths.certificates, "kubelet"), {
    commonName: `system:node:${name}`,
    organizations: ["system:nodes"],
    addresses: [address],
    names: [name],
  });
  await authority.issue(join(paths.certificates, "kube-proxy"), {
    commonName: "system:kube-proxy",
  });
  for (const component of ["kubelet", "kube-proxy"]) {
    const text = componentKubeconfig(record, paths, component);
    writeFileSync(join(paths.node, `${component}.kubeconfig`), text, { mode: 0o600 });
  }
}

function componentKubeconfig(
  record: ClusterRecord,
  paths: ClusterPaths,
  component: string,
): string {
  return kubeconfig({
    cluster: record.spec.name,
    server: apiServerUrl(record),
    authority: join(paths.controlPlaneCertificates, "ca.crt"),
    certificate: join(paths.certificates, `${component}.crt`),
    key: join(paths.certificates, `${component}.key`),
  });
}

function kubeletConfig(record: ClusterRecord, paths: ClusterPaths): object {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    providerID: providerId(record.spec.name, realNodeName(record.spec.name)),
    address: record.network.address,
    healthzBindAddress: "127.0.0.1",
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(paths.controlPlaneCertificates, "ca.crt") },
    },
    authorization: { mode: "Webhook" },
    tlsCertFile: join(paths.certificates, "kubelet.crt"),
    tlsPrivateKeyFile: join(paths.certificates, "kubelet.key"),
    containerRuntimeEndpoint: `unix://${paths.containerdSocket}`,
    clusterDNS: [DNS_SERVICE_ADDRESS],
    clusterDomain: CLUSTER_DOMAIN,
    resolvConf: join(paths.node, "resolv.conf"),
    podLogsDir: join(paths.node, "pod-logs"),
    volumePluginDir: join(paths.node, "volume-plugins"),
    cgroupRoot: clusterCgroup(record.spec.name),
    cgroupDriver: "cgroupfs",
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    // A dev machine's disk is often full beyond the defaults: no eviction, no image collection.
    evictionHard: {
      "memory.available": "100Mi",
      "nodefs.available": "0%",
      "nodefs.inodesFree": "0%",
      "imagefs.available": "0%",
    },
    imageGCHighThresholdPercent: 100,
    localStorageCapacityIsolation: false,
    seccompDefault: true,
    serializeImagePulls: false,
    nodeStatusUpdateFrequency: "5s",
    // CAP_SYS_RESOURCE is missing in many containers and virtual machines.
    oomScoreAdj: 0,
    featureGates: { KubeletInUserNamespace: true },
  };
}

function kubeProxyConfig(record: ClusterRecord, paths: ClusterPaths): object {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    clientConnection: { kubeconfig: join(paths.node, "kube-proxy.kubeconfig") },
    hostnameOverride: realNodeName(record.spec.name),
    mode: "iptables",
    clusterCIDR: POD_CIDR,
    metricsBindAddress: "127.0.0.1:10249",
    // Asked from the host, to know when the Services' rules are in place.
    healthzBindAddress: `${record.network.address}:${String(PROXY_HEALTH_PORT)}`,
    // The limit of connections is the host's, and read-only in a namespace.
    conntrack: { maxPerCore: 0, min: 0 },
  };
}

/**
 * The pod network, once the controller manager has given the node its range. `ptp` and not
 * `bridge`: traffic between pods of one node is then routed, and the Service rules see it even
 * where the kernel has no br_netfilter.
 */
export function writePodNetwork(record: ClusterRecord, paths: ClusterPaths, podCidr: string): void {
  const config = {
    cniVersion: "1.0.0",
    name: `drydock-${record.spec.name}`,
    plugins: [
      {
        type: "ptp",
        ipMasq: true,
        ipam: {
          type: "host-local",
          ranges: [[{ subnet: podCidr }]],
          routes: [{ dst: "0.0.0.0/0" }],
          dataDir: join(paths.node, "cni", "data"),
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
  writeFileSync(join(cniConfigFolder(paths), "10-drydock.conflist"), JSON.stringify(config));
}

/** JSON is YAML too, so the components read it as their configuration. */
function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
