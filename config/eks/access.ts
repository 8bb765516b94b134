import { z } from "zod";

import { dnsLabel } from "../fields";
import { cidr, NAME_PART, roleArn } from "./fields";
import { retentionDays } from "./network";

const entry = z
  .strictObject({
    roleArn: roleArn().meta({
      description:
        "IAM role that gets the access; people come by a role, for example of IAM Identity Center.",
      examples: ["arn:aws:iam::111122223333:role/support"],
    }),
    level: z.enum(["admin", "deployer", "viewer"]).meta({
      description:
        "`admin` may do everything in the cluster, reading secrets included; `deployer` changes workloads in its " +
        "namespaces and reads the secrets there; `viewer` reads everything but secrets.",
    }),
    namespaces: z
      .array(dnsLabel())
      .default([])
      .meta({
        description:
          "Namespaces that the access is limited to. Empty: the whole cluster, which a deployer may not have.",
        examples: [["web"]],
      }),
  })
  .meta({ description: "An access entry of EKS with its policy." });

export const accessSchema = z
  .record(dnsLabel(NAME_PART), entry)
  .default({})
  .meta({
    description:
      "Who may use the cluster beside the deployer role, by a name of your choice. Empty: nobody, not even the " +
      "account that creates it.",
  });

export const apiSchema = z
  .strictObject({
    publicCidrs: z
      .array(cidr())
      .max(40, { error: "at most 40 ranges, the most that EKS takes" })
      .default([])
      .meta({
        description:
          "Addresses from which the API server is reachable through the internet; nodes always use its private " +
          "address. Empty: none, and whoever runs Pulumi must be inside of the network.",
        examples: [["203.0.113.0/24"]],
      }),
    openToInternet: z
      .boolean()
      .default(false)
      .meta({
        description:
          "Must be true as well where `publicCidrs` has 0.0.0.0/0: then only credentials stand between anyone and " +
          "the cluster.",
      }),
    logRetentionDays: retentionDays.default(90).meta({
      description:
        "Days that the control plane's five logs (api, audit, authenticator, controllerManager, scheduler) and the " +
        "flow logs are kept; none is ever switched off. 0.50 USD a GB taken in and 0.03 USD a GB and month " +
        "(us-east-1, 2026-08).",
    }),
  })
  .meta({ description: "The API server: who reaches it, and what is kept of what it did." });
