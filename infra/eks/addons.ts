import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

import type { EksKubernetesVersion } from "../../config/kubernetes-versions";
import type { Place } from "./place";
import { podTrust, type Statement } from "./policy";
import { Role } from "./role";
import { type AddonName, pins } from "./versions";

/** The namespace of all add-ons. */
export const SYSTEM_NAMESPACE = "kube-system";

export interface AddonSpec {
  readonly addon: AddonName;
  /** As `aws eks describe-addon-configuration` describes it. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** What its pods may do in AWS; undefined: nothing. */
  readonly identity?: {
    readonly serviceAccount: string;
    readonly managedPolicies?: readonly string[];
    readonly statements?: readonly Statement[];
  };
}

export interface AddonsArgs {
  readonly place: Place;
  readonly clusterName: pulumi.Input<string>;
  readonly kubernetesVersion: EksKubernetesVersion;
  readonly addons: readonly AddonSpec[];
}

/** Add-ons of EKS, each in its pinned version and with a role of its own. */
export class Addons extends pulumi.ComponentResource {
  constructor(
    private readonly label: string,
    private readonly args: AddonsArgs,
    opts: pulumi.ComponentResourceOptions,
  ) {
    super("drydock:infra:Addons", label, {}, opts);
    for (const spec of args.addons) this.addon(spec);
    this.registerOutputs({});
  }

  private addon({ addon, configuration, identity }: AddonSpec): void {
    const { clusterName, kubernetesVersion } = this.args;
    const name = `${this.label}-${addon}`;
    const role = identity && this.role(name, addon, identity);
    new aws.eks.Addon(
      name,
      {
        clusterName,
        addonName: addon,
        addonVersion: pins[kubernetesVersion].addons[addon],
        // What is declared here holds; a change by hand is drift.
        resolveConflictsOnCreate: "OVERWRITE",
        resolveConflictsOnUpdate: "OVERWRITE",
        preserve: false,
        ...(configuration === undefined
          ? {}
          : { configurationValues: JSON.stringify(configuration) }),
        ...(role === undefined || identity === undefined
          ? {}
          : {
              podIdentityAssociations: [
                { serviceAccount: identity.serviceAccount, roleArn: role.arn },
              ],
            }),
      },
      { parent: this, dependsOn: role === undefined ? [] : [role] },
    );
  }

  private role(
    name: string,
    addon: AddonName,
    { serviceAccount, ...rights }: NonNullable<AddonSpec["identity"]>,
  ): Role {
    const { place } = this.args;
    return new Role(
      `${name}-role`,
      {
        description: `The add-on ${addon} of ${place.clusterName}`,
        trust: podTrust(place, { namespace: SYSTEM_NAMESPACE, serviceAccount }),
        ...rights,
      },
      { parent: this },
    );
  }
}
