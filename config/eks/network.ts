import { z } from "zod";

import { MOST_ZONES } from "../cidr";
import { cidr } from "./fields";

/** Days that CloudWatch Logs can keep a log. */
export const retentionDays = z.literal([
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
  3653,
]);

/** What the nodes cannot do without where there is no way to the internet. */
export const requiredWithoutNat = [
  "ec2",
  "ecr.api",
  "ecr.dkr",
  "eks",
  "eks-auth",
  "elasticloadbalancing",
  "logs",
  "sts",
] as const;

const interfaceEndpoint = z.enum([
  ...requiredWithoutNat,
  "autoscaling",
  "elasticfilesystem",
  "kms",
  "sqs",
  "ssm",
]);

export const networkSchema = z
  .strictObject({
    cidr: cidr()
      .default("10.0.0.0/16")
      .meta({
        description:
          "Addresses of the VPC, from /16 to /21. Each zone gets an eighth for nodes and pods, a sixteenth each for " +
          "load balancers and for the control plane. A change replaces the VPC, and with it everything in it.",
        examples: ["10.0.0.0/16"],
      }),
    serviceCidr: cidr()
      .default("172.20.0.0/16")
      .meta({
        description:
          "Addresses of Services, from /12 to /24, routed nowhere outside of the cluster. A change replaces the cluster.",
        examples: ["172.20.0.0/16"],
      }),
    reservedCidrs: z
      .array(cidr())
      .default([])
      .meta({
        description:
          "Ranges that the VPC will be joined to (peering, VPN, offices): none may overlap with those above. " +
          "Empty: no check.",
        examples: [["192.168.0.0/16"]],
      }),
    zones: z
      .array(z.enum(["a", "b", "c", "d", "e", "f"]))
      .min(2, { error: "2 to 4 zones: EKS takes no fewer than 2, and one alone fails as a whole" })
      .max(MOST_ZONES, { error: "2 to 4 zones" })
      .default(["a", "b", "c"])
      .meta({
        description:
          "Letters of the availability zones, such as a for eu-central-1a. The order decides which zone has which " +
          "addresses: add a new one at the end. Traffic between zones costs 0.01 USD a GB each way (us-east-1, 2026-08).",
        examples: [["a", "b", "c"]],
      }),
    nat: z
      .enum(["perZone", "single", "none"])
      .default("perZone")
      .meta({
        description:
          "Gateways by which nodes reach the internet. `perZone` survives the loss of a zone; with `single` one zone's " +
          "loss cuts off all nodes; `none` needs interface endpoints and images from ECR alone. Each gateway costs " +
          "0.045 USD an hour (33 USD a month) and 0.045 USD a GB (us-east-1, 2026-08).",
      }),
    interfaceEndpoints: z
      .array(interfaceEndpoint)
      .default([])
      .meta({
        description:
          "AWS services reached inside of the VPC instead of through NAT; empty: none. S3 always is, at no cost. Each " +
          "costs 0.01 USD an hour and zone (22 USD a month in three) and 0.01 USD a GB (us-east-1, 2026-08).",
        examples: [["ecr.api", "ecr.dkr", "sts"]],
      }),
    flowLogs: z
      .boolean()
      .default(true)
      .meta({
        description:
          "Whether the VPC's connections are logged, without their contents: who spoke with whom is the first question " +
          "after an incident. 0.50 USD a GB taken in (us-east-1, 2026-08). false: no log.",
      }),
  })
  .meta({ description: "The VPC." });
