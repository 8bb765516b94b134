import type { types } from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { SKIPPER_PORT } from "../images/system";

export const INGRESS_CLASS = "skipper";
/** Name of the port at which it takes requests. */
export const HTTP = "http";

/** How long a changed Ingress or set of pods may go unnoticed. Skipper asks for them, and does not watch. */
const POLL_MS = 1_000;
/** From the order to end until it takes no more connections: as long as kube-proxy needs to hear of it. */
const DRAIN_SECONDS = 4;

/**
 * Every setting that differs from Skipper's own default.
 * https://opensource.zalando.com/skipper/kubernetes/ingress-controller/
 */
const options: Readonly<Record<string, string>> = {
  kubernetes: "true",
  "kubernetes-in-cluster": "true",
  "kubernetes-ingress-class": `^${INGRESS_CLASS}$`,
  "kubernetes-path-mode": "path-prefix",
  // To the pods themselves: it takes another one where a pod has just gone.
  "enable-kubernetes-endpointslices": "true",
  // An Ingress must not lead out of the cluster by a Service of type ExternalName (CVE-2026-24470).
  "kubernetes-only-allowed-external-names": "true",
  "kubernetes-https-redirect": "false",
  "proxy-preserve-host": "true",
  address: `:${String(SKIPPER_PORT)}`,
  // One port less: nobody collects its metrics.
  "support-listener": "",
  "metrics-listener": "",
  "access-log-disabled": "true",
  "source-poll-timeout": String(POLL_MS),
  "wait-first-route-load": "true",
  "wait-for-healthcheck-interval": `${String(DRAIN_SECONDS)}s`,
};

export function podSpec({
  name,
  image,
}: {
  readonly name: string;
  readonly image: pulumi.Input<string>;
}): types.input.core.v1.PodSpec {
  const httpGet = { path: "/kube-system/healthz", port: HTTP };
  return {
    serviceAccountName: name,
    enableServiceLinks: false,
    priorityClassName: "system-cluster-critical",
    terminationGracePeriodSeconds: DRAIN_SECONDS + 10,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name,
        image,
        args: Object.entries(options).map(([key, value]) => `-${key}=${value}`),
        ports: [{ name: HTTP, containerPort: SKIPPER_PORT, protocol: "TCP" }],
        env: [
          { name: "GOMEMLIMIT", value: "48MiB" },
          { name: "GOGC", value: "50" },
        ],
        securityContext: {
          allowPrivilegeEscalation: false,
          privileged: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        resources: { requests: { cpu: "20m", memory: "48Mi" }, limits: { memory: "128Mi" } },
        startupProbe: { httpGet, periodSeconds: 1, failureThreshold: 30 },
        livenessProbe: { httpGet, periodSeconds: 10, failureThreshold: 3 },
        readinessProbe: { httpGet, periodSeconds: 2, failureThreshold: 2 },
      },
    ],
  };
}
