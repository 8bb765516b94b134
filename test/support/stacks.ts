import { recordProgram, recordStack } from "../../review/recording/program";
import type { RecordedResource } from "../../review/recording/recorded";
import type { Recording } from "../../review/recording/recorder";
import type { Recordings } from "../../review/recording/recording";
import { stackFile } from "../../review/recording/stack-file";

export type StackName =
  | "dev"
  | "dev with node autoscaling"
  | "prod"
  | "small"
  | "prod in Auto Mode"
  | "prod with external secrets";

/** Every set-up that must fulfil what is asked of all: those of the stack files, and variants of them. */
export const stackNames: readonly StackName[] = [
  "dev",
  "dev with node autoscaling",
  "prod",
  "small",
  "prod in Auto Mode",
  "prod with external secrets",
];

/** A first preview and an update; fails where the two differ. */
export function recordings(name: StackName): Promise<Recordings> {
  return recordStack(fileOf(name), changesOf(name));
}

export function updateOf(name: StackName): Promise<Recording> {
  return recordProgram(fileOf(name), "update", { changes: changesOf(name) });
}

/** The stack file that the set-up is, or is a variant of. */
export function fileOf(name: StackName): string {
  return name.split(" ")[0] ?? name;
}

/** The uploader's token, an entry of AWS Secrets Manager. */
export const token = {
  secretArn: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:uploader-token-AbCdEf",
  keyArn: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
};

/** What a variant sets otherwise than the stack file that it is of. */
export function changesOf(name: StackName): Readonly<Record<string, unknown>> {
  switch (name) {
    case "dev with node autoscaling":
      return withCluster("dev", { nodes: { autoscaling: { kind: "karpenter" } } });
    case "prod in Auto Mode":
      // EKS itself runs nodes, volumes and load balancers.
      return withCluster("prod", { nodes: {}, autoscaling: { kind: "autoMode" } });
    case "prod with external secrets":
      return withExternalSecrets();
    default:
      return {};
  }
}

function withCluster(stack: string, keys: object) {
  const cluster = stackFile(stack).config["drydock:cluster"] as object;
  return { "drydock:cluster": { ...cluster, ...keys } };
}

function withExternalSecrets() {
  const { config } = stackFile("prod");
  const apps = config["drydock:apps"] as { uploader: object };
  return {
    ...withCluster("prod", { secrets: { externalStore: true } }),
    "drydock:apps": { ...apps, uploader: { ...apps.uploader, token } },
  };
}

/** `type name`, as tests name a resource. */
export const title = ({ type, name }: RecordedResource) => `${type} ${name}`;

/** Whether a resource is one of AWS's own; the control plane, made by a component, is not among them. */
export const isAws = ({ type }: RecordedResource) => type.startsWith("aws:");
