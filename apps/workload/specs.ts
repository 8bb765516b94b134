import type { types } from "@pulumi/kubernetes";

import type { Capabilities } from "../../infra/cluster";
import type { Autoscaling } from "./args";
import type { Labels } from "./labels";
import type { Callers } from "./network";
import { type Duration, seconds } from "./units";
import type { MadeVolumes } from "./volume";

interface PodsArgs {
  readonly replicas: number | Autoscaling;
  readonly selector: Labels;
  readonly template: types.input.core.v1.PodTemplateSpec;
}

function pods({ replicas, selector, template }: PodsArgs) {
  return {
    // An autoscaler owns the count: a fixed one would take back what it scaled.
    ...(typeof replicas === "number" && { replicas }),
    selector: { matchLabels: { ...selector } },
    revisionHistoryLimit: 5,
    template,
  };
}

export function deploymentSpec(
  args: PodsArgs & { readonly rolloutTimeout: Duration },
): types.input.apps.v1.DeploymentSpec {
  return {
    ...pods(args),
    // One more before one less: there are never fewer pods than there should be.
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    progressDeadlineSeconds: seconds(args.rolloutTimeout),
  };
}

export function statefulSetSpec(
  args: PodsArgs & { readonly serviceName: string; readonly volumes: MadeVolumes },
): types.input.apps.v1.StatefulSetSpec {
  const { templates, whenDeleted } = args.volumes;
  return {
    ...pods(args),
    serviceName: args.serviceName,
    updateStrategy: { type: "RollingUpdate" },
    // One that does not start must not keep the others down.
    podManagementPolicy: "Parallel",
    ...(templates.length > 0 && {
      volumeClaimTemplates: templates,
      // A replica that comes back finds its data again.
      persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled: "Retain" },
    }),
  };
}

/** Lets a drained node take one pod at a time. */
export function disruptionBudgetSpec(
  selector: Labels,
): types.input.policy.v1.PodDisruptionBudgetSpec {
  return {
    maxUnavailable: 1,
    // A pod that never becomes ready must not hold up the drain of its node.
    unhealthyPodEvictionPolicy: "AlwaysAllow",
    selector: { matchLabels: { ...selector } },
  };
}

export function autoscalerSpec(
  kind: string,
  name: string,
  { min, max, cpuPercent }: Autoscaling,
): types.input.autoscaling.v2.HorizontalPodAutoscalerSpec {
  const target = { type: "Utilization", averageUtilization: cpuPercent };
  return {
    scaleTargetRef: { apiVersion: "apps/v1", kind, name },
    minReplicas: min,
    maxReplicas: max,
    metrics: [{ type: "Resource", resource: { name: "cpu", target } }],
  };
}

export interface ServicePort {
  /** Of the container's port that it leads to, and its own. */
  readonly name: string;
  readonly port: number;
}

export function serviceSpec(
  selector: Labels,
  ports: readonly ServicePort[],
  from: Callers,
  { loadBalancer }: Capabilities,
): types.input.core.v1.ServiceSpec {
  const balanced = from === "loadBalancer" && loadBalancer !== undefined;
  const className = balanced ? loadBalancer.className : undefined;
  return {
    type: balanced ? "LoadBalancer" : "ClusterIP",
    ...(className !== undefined && { loadBalancerClass: className }),
    selector: { ...selector },
    ports: servicePorts(ports),
  };
}

/** Gives each pod of a StatefulSet a name of its own, before it is ready too. */
export function headlessServiceSpec(
  selector: Labels,
  ports: readonly ServicePort[],
): types.input.core.v1.ServiceSpec {
  return {
    clusterIP: "None",
    publishNotReadyAddresses: true,
    selector: { ...selector },
    ...(ports.length > 0 && { ports: servicePorts(ports) }),
  };
}

function servicePorts(ports: readonly ServicePort[]) {
  return ports.map(({ name, port }) => ({ name, protocol: "TCP", port, targetPort: name }));
}
