import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { LoadBalancerCapability } from "../cluster";
import { toleratesSystemNodes } from "./addon-specs";
import { SYSTEM_NAMESPACE } from "./addons";
import { loadBalancerStatements } from "./load-balancer-policy";
import type { EksConfig, Place } from "./place";
import { podIdentity } from "./pod-identity";
import { charts } from "./versions";

type LoadBalancerConfig = EksConfig["loadBalancer"];

/** What a Service needs to get a Network Load Balancer that sends straight to the pods. */
export function loadBalancerCapability(
  { scheme, sourceCidrs }: LoadBalancerConfig,
  { autoMode }: { readonly autoMode: boolean },
): LoadBalancerCapability {
  const prefix = "service.beta.kubernetes.io";
  return {
    className: autoMode ? "eks.amazonaws.com/nlb" : "service.k8s.aws/nlb",
    annotations: {
      [`${prefix}/aws-load-balancer-scheme`]:
        scheme === "internal" ? "internal" : "internet-facing",
      [`${prefix}/aws-load-balancer-nlb-target-type`]: "ip",
      [`${prefix}/aws-load-balancer-attributes`]: "load_balancing.cross_zone.enabled=true",
      ...(sourceCidrs.length === 0
        ? {}
        : { [`${prefix}/load-balancer-source-ranges`]: sourceCidrs.join(",") }),
    },
  };
}

export interface LoadBalancerControllerArgs {
  readonly place: Place;
  readonly clusterName: pulumi.Input<string>;
  readonly vpcId: pulumi.Input<string>;
}

const SERVICE_ACCOUNT = "aws-load-balancer-controller";

/** The AWS Load Balancer Controller: makes the load balancers that Services and Ingresses ask for. */
export class LoadBalancerController extends pulumi.ComponentResource {
  constructor(
    name: string,
    args: LoadBalancerControllerArgs,
    opts: pulumi.ComponentResourceOptions,
  ) {
    super("drydock:infra:LoadBalancerController", name, {}, opts);
    const { place, clusterName } = args;
    const identity = podIdentity(
      name,
      {
        ...{ place, clusterName },
        namespace: SYSTEM_NAMESPACE,
        serviceAccount: SERVICE_ACCOUNT,
        description: `Load balancers of ${place.clusterName}`,
        statements: loadBalancerStatements(place),
      },
      { parent: this },
    );
    const { repository, chart, version } = charts.loadBalancerController;
    new k8s.helm.v3.Release(
      name,
      {
        name: SERVICE_ACCOUNT,
        namespace: SYSTEM_NAMESPACE,
        chart,
        version,
        repositoryOpts: { repo: repository },
        atomic: true,
        timeout: 600,
        values: values(args),
      },
      { parent: this, dependsOn: [identity] },
    );
    this.registerOutputs({});
  }
}

function values({ place, vpcId }: LoadBalancerControllerArgs): Record<string, unknown> {
  return {
    clusterName: place.clusterName,
    // Pods do not reach the metadata service that would tell these two.
    region: place.region,
    vpcId,
    serviceAccount: { create: true, name: SERVICE_ACCOUNT },
    replicaCount: 2,
    podDisruptionBudget: { maxUnavailable: 1 },
    resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
    tolerations: [toleratesSystemNodes],
    defaultTags: place.tags,
    defaultTargetType: "ip",
    // It would hold up every new Service while the controller starts; ours name their class.
    enableServiceMutatorWebhook: false,
    enableShield: false,
    enableWaf: false,
    enableWafv2: false,
  };
}
