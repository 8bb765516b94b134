import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { VariableSource } from "./container";
import { workloadLabels } from "./labels";

/** Files of a Secret, each by its key, in a volume. */
export interface SecretFiles {
  readonly secretName: pulumi.Input<string>;
  readonly keys: readonly string[];
}

export interface AppSecretArgs<Key extends string> {
  readonly namespace: string;
  /** Values by key; they are secret in state and logs whatever they come from. */
  readonly data: Readonly<Record<Key, pulumi.Input<string>>>;
}

/**
 * A Secret whose keys are known when the program is compiled: a misspelt one is no file that is
 * missing when the pod starts. Named by Pulumi: other values give another name, and with it a rollout.
 */
export class AppSecret<const Key extends string> extends pulumi.ComponentResource {
  readonly secretName: pulumi.Output<string>;

  constructor(name: string, args: AppSecretArgs<Key>, opts?: pulumi.ComponentResourceOptions) {
    super("drydock:apps:AppSecret", name, {}, opts);
    const { namespace, data } = args;
    const { metadata } = new k8s.core.v1.Secret(
      name,
      {
        metadata: { namespace, labels: { ...workloadLabels(name) } },
        stringData: pulumi.secret({ ...data } as Record<string, pulumi.Input<string>>),
        immutable: true,
      },
      { parent: this },
    );
    this.secretName = metadata.name;
    this.registerOutputs({ secretName: this.secretName });
  }

  /** A volume with these keys as files. */
  files(...keys: readonly Key[]): SecretFiles {
    return { secretName: this.secretName, keys };
  }

  /** A variable for programs that read no file; it shows in the process's environment. */
  variable(key: Key): VariableSource {
    return { valueFrom: { secretKeyRef: { name: this.secretName, key } } };
  }
}
