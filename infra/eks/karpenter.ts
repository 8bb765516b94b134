import * as aws from "@pulumi/aws";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { toleratesSystemNodes } from "./addon-specs";
import { SYSTEM_NAMESPACE } from "./addons";
import { InterruptionQueue } from "./interruption-queue";
import { karpenterStatements } from "./karpenter-policy";
import { type NodePoolArgs, nodeClassSpec, nodePoolSpec } from "./node-pool";
import { podIdentity } from "./pod-identity";
import type { Role } from "./role";
import { charts } from "./versions";

export interface KarpenterArgs extends Omit<NodePoolArgs, "nodeRoleName"> {
  readonly clusterName: pulumi.Input<string>;
  readonly nodeRole: Role;
}

const SERVICE_ACCOUNT = "karpenter";
/** Of the node pool and of its node class. */
const POOL = "default";

/**
 * Karpenter: the controller with its rights, the queue that warns it, and the pool of nodes that it may
 * make. Its nodes are not in Pulumi's state: the pool is removed first, and waits until they are gone.
 */
export class Karpenter extends pulumi.ComponentResource {
  private readonly identity: pulumi.Resource;
  private readonly queue: InterruptionQueue;

  constructor(
    private readonly label: string,
    private readonly args: KarpenterArgs,
    opts: pulumi.ComponentResourceOptions,
  ) {
    super("drydock:infra:Karpenter", label, {}, opts);
    const { nodeRole, clusterName } = args;
    this.queue = new InterruptionQueue(
      `${label}-interruptions`,
      { place: args.place },
      { parent: this },
    );
    this.identity = this.controllerIdentity();
    // EKS makes this entry for managed node groups only.
    const entry = new aws.eks.AccessEntry(
      `${label}-nodes`,
      { clusterName, principalArn: nodeRole.arn, type: "EC2_LINUX" },
      { parent: this },
    );
    this.pool(this.controller(), entry);
    this.registerOutputs({});
  }

  private controllerIdentity(): pulumi.Resource {
    const { place, clusterName, nodeRole, keyArn } = this.args;
    return podIdentity(
      this.label,
      {
        ...{ place, clusterName },
        namespace: SYSTEM_NAMESPACE,
        serviceAccount: SERVICE_ACCOUNT,
        description: `Karpenter of ${place.clusterName}`,
        statements: karpenterStatements({
          place,
          nodeRoleArn: nodeRole.arn,
          queueArn: this.queue.arn,
          keyArn,
        }),
      },
      { parent: this },
    );
  }

  private controller(): pulumi.Resource {
    const { place } = this.args;
    const { chart, version } = charts.karpenter;
    return new k8s.helm.v3.Release(
      this.label,
      {
        name: SERVICE_ACCOUNT,
        namespace: SYSTEM_NAMESPACE,
        chart,
        version,
        atomic: true,
        timeout: 600,
        values: {
          settings: {
            clusterName: place.clusterName,
            interruptionQueue: this.queue.queueName,
          },
          serviceAccount: { create: true, name: SERVICE_ACCOUNT },
          replicas: 2,
          tolerations: [toleratesSystemNodes],
          controller: {
            // The metadata service, which would tell it, does not answer pods.
            env: [{ name: "AWS_REGION", value: place.region }],
            resources: { requests: { cpu: "250m", memory: "512Mi" }, limits: { memory: "1Gi" } },
          },
        },
      },
      { parent: this, dependsOn: [this.identity, this.queue] },
    );
  }

  private pool(controller: pulumi.Resource, entry: pulumi.Resource): void {
    const { nodeRole } = this.args;
    const args = { ...this.args, nodeRoleName: nodeRole.role.name };
    const metadata = { name: POOL };
    const nodeClass = new k8s.apiextensions.CustomResource(
      `${this.label}-node-class`,
      {
        apiVersion: "karpenter.k8s.aws/v1",
        kind: "EC2NodeClass",
        metadata,
        spec: nodeClassSpec(args),
      },
      { parent: this, dependsOn: [controller, entry, nodeRole] },
    );
    new k8s.apiextensions.CustomResource(
      `${this.label}-node-pool`,
      {
        apiVersion: "karpenter.sh/v1",
        kind: "NodePool",
        metadata,
        spec: nodePoolSpec(args, POOL),
      },
      // Drained nodes take as long as their pods' disruption budgets want.
      { parent: this, dependsOn: [nodeClass], customTimeouts: { delete: "30m" } },
    );
  }
}
