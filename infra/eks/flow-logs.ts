import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

import { flowLogGroupName, logGroup } from "./logs";
import { arn, type Place } from "./place";
import { serviceTrust } from "./policy";
import { Role } from "./role";

export interface FlowLogsArgs {
  readonly place: Place;
  readonly vpcId: pulumi.Input<string>;
  readonly kmsKeyId: pulumi.Input<string>;
  readonly retentionDays: number;
}

/** Every connection of the VPC, admitted or refused, in CloudWatch Logs. */
export class FlowLogs extends pulumi.ComponentResource {
  constructor(name: string, args: FlowLogsArgs, opts: pulumi.ComponentResourceOptions) {
    super("drydock:infra:FlowLogs", name, {}, opts);
    const { place, vpcId, kmsKeyId, retentionDays } = args;
    const logGroupName = flowLogGroupName(place);
    const group = logGroup(name, { place, logGroupName, retentionDays, kmsKeyId }, this);
    const role = new Role(
      `${name}-role`,
      {
        description: "Writes the flow logs of the VPC",
        trust: serviceTrust("vpc-flow-logs.amazonaws.com", { accountId: place.accountId }),
        statements: [
          {
            Sid: "WriteFlowLogs",
            Action: ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            Resource: arn(place, "logs", `log-group:${logGroupName}:*`),
          },
        ],
      },
      { parent: this },
    );
    new aws.ec2.FlowLog(
      name,
      {
        vpcId,
        trafficType: "ALL",
        logDestinationType: "cloud-watch-logs",
        logDestination: group.arn,
        iamRoleArn: role.arn,
        tags: { Name: place.clusterName },
      },
      { parent: this, dependsOn: [role] },
    );
    this.registerOutputs({});
  }
}
