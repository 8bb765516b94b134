import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { pinnedKubernetesVersion } from "../../config/kubernetes-versions";
import type { Config } from "../../config/schema";

export interface WorkloadNamespaceArgs {
  /** Name of the namespace in the cluster. */
  readonly namespace: string;
  readonly quota: Config["platform"]["namespaces"][string]["quota"];
}

/**
 * A namespace for workloads: restricted pod security, a quota for all pods together, defaults for the
 * ones that ask for nothing, and no traffic in or out but what an app's own policy allows.
 */
export class WorkloadNamespace extends pulumi.ComponentResource {
  /** A plain text, so that the objects in the namespace are fully known in a preview. */
  readonly namespace: string;

  constructor(
    name: string,
    { namespace, quota }: WorkloadNamespaceArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("drydock:infra:WorkloadNamespace", name, {}, opts);
    this.namespace = namespace;

    const object = new k8s.core.v1.Namespace(
      name,
      { metadata: { name: namespace, labels: podSecurityLabels() } },
      { parent: this },
    );
    const within = { parent: this, dependsOn: [object] };
    const metadata = (suffix: string) => ({ name: suffix, namespace });

    new k8s.core.v1.ResourceQuota(
      `${name}-quota`,
      { metadata: metadata("quota"), spec: { hard: hardLimits(quota) } },
      within,
    );
    new k8s.core.v1.LimitRange(
      `${name}-defaults`,
      { metadata: metadata("defaults"), spec: { limits: [containerDefaults] } },
      within,
    );
    new k8s.networking.v1.NetworkPolicy(
      `${name}-default-deny`,
      {
        metadata: metadata("default-deny"),
        spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
      },
      within,
    );
    this.registerOutputs({ namespace });
  }
}

/** The level is enforced in the version of the pinned Kubernetes, so that an upgrade changes no rule. */
function podSecurityLabels(): Record<string, string> {
  const labels = ["enforce", "audit", "warn"].flatMap((mode) => [
    [`pod-security.kubernetes.io/${mode}`, "restricted"],
    [`pod-security.kubernetes.io/${mode}-version`, `v${pinnedKubernetesVersion}`],
  ]);
  return {
    "app.kubernetes.io/part-of": "drydock",
    ...(Object.fromEntries(labels) as Record<string, string>),
  };
}

/** CPU has no limit: a limit would throttle pods while the machine is idle. */
function hardLimits({ pods, cpu, memory }: WorkloadNamespaceArgs["quota"]): Record<string, string> {
  return {
    pods: String(pods),
    "requests.cpu": cpu,
    "requests.memory": memory,
    "limits.memory": memory,
  };
}

// The quota refuses a pod that names no request; these stand in for it.
const containerDefaults = {
  type: "Container",
  defaultRequest: { cpu: "50m", memory: "64Mi" },
  default: { memory: "64Mi" },
};
