import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

import { arn, type EksConfig, type Place } from "./place";

type Entries = EksConfig["access"];
type Level = Entries[string]["level"];

export interface AccessArgs {
  readonly place: Place;
  readonly clusterName: pulumi.Input<string>;
  readonly deployerRoleArn: string;
  readonly entries: Entries;
}

/** https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html */
const policies: Readonly<Record<Level, string>> = {
  admin: "AmazonEKSClusterAdminPolicy",
  deployer: "AmazonEKSEditPolicy",
  viewer: "AmazonEKSViewPolicy",
};

/** Who may use the Kubernetes API: the deploying role, the roles that are named, and nobody else. */
export class Access extends pulumi.ComponentResource {
  constructor(
    private readonly label: string,
    private readonly args: AccessArgs,
    opts: pulumi.ComponentResourceOptions,
  ) {
    super("drydock:infra:Access", label, {}, opts);
    this.entry("pulumi", { roleArn: args.deployerRoleArn, level: "admin", namespaces: [] });
    for (const [name, entry] of Object.entries(args.entries)) this.entry(`role-${name}`, entry);
    this.registerOutputs({});
  }

  private entry(suffix: string, { roleArn, level, namespaces }: Entries[string]): void {
    const { place, clusterName } = this.args;
    const name = `${this.label}-${suffix}`;
    const entry = new aws.eks.AccessEntry(
      name,
      { clusterName, principalArn: roleArn, type: "STANDARD" },
      { parent: this },
    );
    new aws.eks.AccessPolicyAssociation(
      name,
      {
        clusterName,
        principalArn: roleArn,
        policyArn: accessPolicy(place, policies[level]),
        accessScope:
          namespaces.length === 0
            ? { type: "cluster" }
            : { type: "namespace", namespaces: [...namespaces] },
      },
      { parent: this, dependsOn: [entry] },
    );
  }
}

/** ARN of an access policy of EKS, which is no policy of IAM. */
export function accessPolicy(place: Place, name: string): string {
  return arn(place, "eks", `cluster-access-policy/${name}`, { region: "", accountId: "aws" });
}
