import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

import type { Place } from "./place";
import { policy } from "./policy";

/** What foretells, or tells, that an instance goes; by the suffix of the rule that catches it. */
const events: Readonly<Record<string, { readonly source: string; readonly type: string }>> = {
  health: { source: "aws.health", type: "AWS Health Event" },
  rebalance: { source: "aws.ec2", type: "EC2 Instance Rebalance Recommendation" },
  spot: { source: "aws.ec2", type: "EC2 Spot Instance Interruption Warning" },
  state: { source: "aws.ec2", type: "EC2 Instance State-change Notification" },
};

/** A queue of warnings, so that a node is drained in the two minutes before its instance is taken. */
export class InterruptionQueue extends pulumi.ComponentResource {
  readonly queueName: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;

  constructor(
    name: string,
    { place }: { readonly place: Place },
    opts: pulumi.ComponentResourceOptions,
  ) {
    super("drydock:infra:InterruptionQueue", name, {}, opts);
    const queue = new aws.sqs.Queue(
      name,
      // A warning older than this is of no use. EventBridge reaches no queue with a key of AWS KMS that
      // it may not use; this encryption needs none.
      { messageRetentionSeconds: 300, sqsManagedSseEnabled: true },
      { parent: this },
    );
    const rules = Object.entries(events).map(([suffix, { source, type }]) => {
      const rule = new aws.cloudwatch.EventRule(
        `${name}-${suffix}`,
        {
          description: `${type}, for the nodes of ${place.clusterName}`,
          eventPattern: JSON.stringify({ source: [source], "detail-type": [type] }),
        },
        { parent: this },
      );
      new aws.cloudwatch.EventTarget(
        `${name}-${suffix}`,
        { rule: rule.name, arn: queue.arn },
        { parent: this },
      );
      return rule.arn;
    });
    new aws.sqs.QueuePolicy(
      `${name}-policy`,
      { queueUrl: queue.url, policy: queuePolicy(place, queue.arn, rules) },
      { parent: this },
    );
    this.queueName = queue.name;
    this.arn = queue.arn;
    this.registerOutputs({ queueName: this.queueName, arn: this.arn });
  }
}

function queuePolicy(
  place: Place,
  queueArn: pulumi.Input<string>,
  ruleArns: readonly pulumi.Input<string>[],
): pulumi.Input<string> {
  return policy([
    {
      Sid: "SendWarnings",
      Principal: { Service: "events.amazonaws.com" },
      Action: "sqs:SendMessage",
      Resource: queueArn,
      Condition: {
        StringEquals: { "aws:SourceAccount": place.accountId },
        ArnEquals: { "aws:SourceArn": ruleArns },
      },
    },
    {
      Sid: "EncryptedTransportOnly",
      Effect: "Deny",
      Principal: "*",
      Action: "sqs:*",
      Resource: queueArn,
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
  ]);
}
