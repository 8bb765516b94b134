import type { types } from "@pulumi/kubernetes";

import type { Check } from "./container";

type Container = types.input.core.v1.Container;
type Probe = types.input.core.v1.Probe;

/**
 * The three probes of a container. A start may take 30 s; one that gets no answer is taken out of
 * service after 10 s and started again after 30 s, so that a busy one loses requests and not its work.
 */
export function probes(
  health: Check | undefined,
  ready: Check | undefined = health,
): Pick<Container, "startupProbe" | "readinessProbe" | "livenessProbe"> {
  return {
    // accepted pod-probes-identical of every workload: one that waits for nothing else is ready when it lives;
    // liveness waits three times as long before it acts.
    ...(health && {
      startupProbe: { ...handler(health), periodSeconds: 1, failureThreshold: 30 },
      livenessProbe: { ...handler(health), periodSeconds: 10, failureThreshold: 3 },
    }),
    ...(ready && { readinessProbe: { ...handler(ready), periodSeconds: 5, failureThreshold: 2 } }),
  };
}

function handler(check: Check): Probe {
  if ("command" in check) return { exec: { command: [...check.command] } };
  if ("path" in check) return { httpGet: { path: check.path, port: check.port } };
  return { tcpSocket: { port: check.port } };
}
