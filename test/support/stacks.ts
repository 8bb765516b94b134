import { recordProgram, recordStack } from "../../review/recording/program";
import type { RecordedResource } from "../../review/recording/recorded";
import type { Recording } from "../../review/recording/recorder";
import type { Recordings } from "../../review/recording/recording";
import { stackFile } from "../../review/recording/stack-file";

export type StackName = "dev" | "prod" | "small" | "prod in Auto Mode";

/** Every set-up that must fulfil what is asked of all: those of the stack files, and variants of them. */
export const stackNames: readonly StackName[] = ["dev", "prod", "small", "prod in Auto Mode"];

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

/** In Auto Mode, EKS itself runs nodes, volumes and load balancers. */
function changesOf(name: StackName): Readonly<Record<string, unknown>> {
  if (name !== "prod in Auto Mode") return {};
  const cluster = stackFile("prod").config["drydock:cluster"] as object;
  return { "drydock:cluster": { ...cluster, nodes: {}, autoscaling: { kind: "autoMode" } } };
}

/** `type name`, as tests name a resource. */
export const title = ({ type, name }: RecordedResource) => `${type} ${name}`;

/** Whether a resource is one of AWS's own; the control plane, made by a component, is not among them. */
export const isAws = ({ type }: RecordedResource) => type.startsWith("aws:");
