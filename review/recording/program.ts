import { awsModel, eksModel } from "./models/aws";
import { detected, existingModel } from "./models/existing";
import { kubernetesModel } from "./models/kubernetes";
import { localModel } from "./models/local";
import type { ProviderModel, Recording, RecordingOptions } from "./recorder";
import { record, recordBoth, type Recordings } from "./recording";
import { programConfig, stackFile } from "./stack-file";

const resources = {
  ...kubernetesModel,
  ...localModel,
  ...existingModel,
  ...awsModel,
  ...eksModel,
};

export interface ProgramOptions {
  /** Keys to put in the place of the stack file's. */
  readonly changes?: Readonly<Record<string, unknown>>;
  /** The plugin's answers. Default: a native local cluster; an existing one made by kind. */
  readonly functions?: ProviderModel["functions"];
  readonly standIn?: RecordingOptions["standIn"];
}

/**
 * Records index.ts as it stands.
 * @param stack whose stack file is the configuration
 */
export function recordProgram(
  stack: string,
  mode: RecordingOptions["mode"],
  { changes = {}, functions = {}, standIn }: ProgramOptions = {},
): Promise<Recording> {
  return record(async () => (await import("../../index.js")).default(), {
    mode,
    stack,
    ...(standIn && { standIn }),
    model: {
      resources,
      functions: {
        "drydock:local:chooseEngine": () => ({ engine: "native", realNode: true }),
        "drydock:existing:detect": () => detected(),
        ...functions,
      },
    },
    config: programConfig({ ...stackFile(stack).config, ...changes }),
  });
}

/** Records index.ts at a first preview and at an update; fails where the two differ. */
export function recordStack(
  stack: string,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<Recordings> {
  return recordBoth((mode) => recordProgram(stack, mode, { changes }));
}
