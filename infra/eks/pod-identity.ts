import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

import type { Grant } from "../identity";
import type { Place } from "./place";
import { podTrust, type Statement } from "./policy";
import { Role } from "./role";

export interface PodIdentityArgs {
  readonly place: Place;
  readonly clusterName: pulumi.Input<string>;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly description: string;
  readonly statements: readonly Statement[];
}

/**
 * A role for the pods of one service account, and for no other.
 * @returns what must be there before the pods start: EKS gives one its credentials as it is made
 */
export function podIdentity(
  name: string,
  { place, clusterName, namespace, serviceAccount, ...rights }: PodIdentityArgs,
  opts: pulumi.CustomResourceOptions,
): aws.eks.PodIdentityAssociation {
  const account = { namespace, serviceAccount };
  const trust = podTrust(place, account);
  const role = new Role(`${name}-role`, { ...rights, trust }, opts);
  return new aws.eks.PodIdentityAssociation(
    `${name}-identity`,
    { clusterName, ...account, roleArn: role.arn },
    { ...opts, dependsOn: [role] },
  );
}

/** A workload's rights as a role has them. */
export const statementOf = ({ sid, actions, resources, condition }: Grant): Statement => ({
  Sid: sid,
  Action: actions,
  Resource: resources,
  ...(condition === undefined ? {} : { Condition: condition }),
});
