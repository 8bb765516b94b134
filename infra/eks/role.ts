import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

import { isPlain, policy, type Statement } from "./policy";

export interface RoleArgs {
  readonly description: string;
  readonly trust: Statement;
  /** ARNs. */
  readonly managedPolicies?: readonly string[];
  readonly statements?: readonly Statement[];
}

/**
 * An IAM role with its policies. Whoever needs the rights depends on this component: an ARN alone
 * carries no attachment, and the rights would be gone first at a destruction.
 */
export class Role extends pulumi.ComponentResource {
  readonly role: aws.iam.Role;
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: RoleArgs, opts: pulumi.ComponentResourceOptions) {
    super("drydock:infra:Role", name, {}, opts);
    const { description, trust, managedPolicies = [], statements = [] } = args;
    this.role = new aws.iam.Role(
      name,
      { description, assumeRolePolicy: policy([trust]) },
      { parent: this },
    );
    for (const policyArn of managedPolicies) {
      const suffix = policyArn.slice(policyArn.lastIndexOf("/") + 1);
      new aws.iam.RolePolicyAttachment(
        `${name}-${suffix}`,
        { role: this.role.name, policyArn },
        { parent: this },
      );
    }
    // Apart, so that a first preview shows all but what is about resources that are not there yet.
    this.inline(`${name}-policy`, statements.filter(isPlain));
    this.inline(
      `${name}-policy-resources`,
      statements.filter((statement) => !isPlain(statement)),
    );
    this.arn = this.role.arn;
    this.registerOutputs({ arn: this.arn });
  }

  private inline(name: string, statements: readonly Statement[]): void {
    if (statements.length === 0) return;
    new aws.iam.RolePolicy(
      name,
      { role: this.role.name, policy: policy(statements) },
      { parent: this },
    );
  }
}
