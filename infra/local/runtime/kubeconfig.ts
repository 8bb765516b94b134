import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { ClusterPaths } from "./paths";
import { apiServerUrl, type ClusterRecord } from "./spec";

export interface KubeconfigSource {
  readonly cluster: string;
  readonly server: string;
  /** Files in PEM. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** A kubeconfig with inline certificates. JSON is YAML too: no need for a writer. */
export function kubeconfig(source: KubeconfigSource): string {
  const inline = (file: string): string => readFileSync(file).toString("base64");
  const name = `drydock-${source.cluster}`;
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name,
        cluster: { server: source.server, "certificate-authority-data": inline(source.authority) },
      },
    ],
    users: [
      {
        name,
        user: {
          "client-certificate-data": inline(source.certificate),
          "client-key-data": inline(source.key),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Writes the administrator's kubeconfig, for users, plugins and the agent. */
export function writeKubeconfig(record: ClusterRecord, paths: ClusterPaths): void {
  const pki = paths.controlPlaneCertificates;
  const text = kubeconfig({
    cluster: record.spec.name,
    server: apiServerUrl(record),
    authority: join(pki, "ca.crt"),
    certificate: join(pki, "admin.crt"),
    key: join(pki, "admin.key"),
  });
  writeFileSync(paths.kubeconfig, text, { mode: 0o600 });
}
