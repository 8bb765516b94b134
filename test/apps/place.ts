import { WorkloadNamespace } from "../../infra/platform/namespace";
import type { Place } from "../../apps/workload";
import type { Capabilities } from "../../infra/cluster";
import { withoutIdentity } from "../../infra/identity";

/** A namespace with its rules, on a cluster that offers a load balancer and nothing else. */
export function place(capabilities: Partial<Capabilities> = {}): Place {
  const quota = { pods: 20, cpu: "2", memory: "2Gi" } as const;
  const namespace = new WorkloadNamespace("platform-web", { namespace: "web", quota });
  return {
    namespace,
    identity: (workload, args) => withoutIdentity(workload, args, namespace),
    capabilities: {
      loadBalancer: { annotations: {} },
      ingress: undefined,
      storageClass: undefined,
      networkPolicy: false,
      podIdentity: undefined,
      externalSecrets: false,
      zones: [],
      ...capabilities,
    },
  };
}
