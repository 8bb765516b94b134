import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

import { ensureEncryptionKey } from "./encryption";
import { clientUrl } from "./etcd";
import type { ClusterPaths } from "./paths";
import { type ClusterRecord, SERVICE_CIDR } from "./spec";

/** A flag of a component of the control plane, beside or instead of what kwokctl gives it. */
export interface Flag {
  readonly key: string;
  readonly value: string;
  /** Replaces a flag that kwokctl already gives; ignored for one that it does not. */
  readonly override?: true;
}

/** The user as whom kube-apiserver passes requests on to an aggregated API server. */
const FRONT_PROXY = "front-proxy-client";

/** Makes the files that kube-apiserver is told of and kwokctl does not make. */
export async function prepareApiServer(paths: ClusterPaths): Promise<void> {
  ensureEncryptionKey(paths);
  const folder = frontProxyFolder(paths);
  if (existsSync(join(folder, "client.crt"))) {
    return;
  }
  // Loaded when a cluster is made: a preview need not know X.509.
  const { CertificateAuthority } = await import("./pki.js");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Of its own: whoever it signs may speak for any user at an aggregated API server.
  const authority = await CertificateAuthority.create(folder, "front-proxy-ca");
  await authority.issue(join(folder, "client"), { commonName: FRONT_PROXY });
}

export function apiServerFlags(record: ClusterRecord, paths: ClusterPaths): Flag[] {
  const { network } = record;
  const pki = paths.controlPlaneCertificates;
  const frontProxy = frontProxyFolder(paths);
  return [
    { key: "etcd-servers", value: clientUrl(record), override: true },
    { key: "etcd-cafile", value: join(pki, "ca.crt") },
    { key: "etcd-certfile", value: join(pki, "admin.crt") },
    { key: "etcd-keyfile", value: join(pki, "admin.key") },
    { key: "encryption-provider-config", value: paths.encryption },
    { key: "service-cluster-ip-range", value: SERVICE_CIDR },
    // On the host's loopback no pod can reach it anyway, and 127.0.0.1 is refused here.
    ...(network.kind === "namespace" ? [{ key: "advertise-address", value: network.address }] : []),
    { key: "enable-admission-plugins", value: "NodeRestriction" },
    { key: "kubelet-client-certificate", value: join(pki, "admin.crt") },
    { key: "kubelet-client-key", value: join(pki, "admin.key") },
    { key: "kubelet-certificate-authority", value: join(pki, "ca.crt") },
    { key: "kubelet-preferred-address-types", value: "InternalIP" },
    { key: "proxy-client-cert-file", value: join(frontProxy, "client.crt"), override: true },
    { key: "proxy-client-key-file", value: join(frontProxy, "client.key"), override: true },
    { key: "requestheader-client-ca-file", value: join(frontProxy, "ca.crt") },
    { key: "requestheader-allowed-names", value: FRONT_PROXY },
    { key: "requestheader-username-headers", value: "X-Remote-User" },
    { key: "requestheader-group-headers", value: "X-Remote-Group" },
    { key: "requestheader-extra-headers-prefix", value: "X-Remote-Extra-" },
    { key: "profiling", value: "false" },
  ];
}

function frontProxyFolder(paths: ClusterPaths): string {
  return join(paths.certificates, "front-proxy");
}
