import * as pulumi from "@pulumi/pulumi";

import { plain } from "./recorded";
import { Recorder, type Recording, RecordingError, type RecordingOptions } from "./recorder";

/**
 * Runs a program and records each registration with its options. Proves what the program asks for;
 * whether a cluster or a cloud accepts it, it does not prove.
 * @param program gives the stack's outputs; it must not be loaded before
 * @throws RecordingError where a URN is registered twice, an Output was made text, or the model has no answer
 */
export async function record(
  program: () => Promise<Record<string, unknown>>,
  options: RecordingOptions,
): Promise<Recording> {
  const { mode, project = "drydock", stack = "test", config = {} } = options;
  const neverCalled = () => {
    throw new Error("The recorder answers in the place of mocks.");
  };
  await pulumi.runtime.setMocks(
    { newResource: neverCalled, call: neverCalled },
    project,
    stack,
    mode === "preview",
  );
  pulumi.runtime.setAllConfig({ ...config });
  const recorder = new Recorder(options, `urn:pulumi:${stack}::${project}::`);
  recorder.attach();
  // Kept from the SDK, which would reject every promise that waits for the stack.
  const caught: unknown[] = [];
  await pulumi.runtime.runInPulumiStack(async () => {
    try {
      return await program();
    } catch (error) {
      caught.push(error);
      return {};
    }
  });
  await recorder.settled();
  if (caught.length > 0) throw caught[0];
  return recorder.recording();
}

/** The same program at a first preview and at an update. */
export interface Recordings {
  readonly preview: Recording;
  readonly update: Recording;
}

/**
 * Records a program twice: before anything exists, and as it is created.
 * @throws RecordingError also where the two register different resources: a preview would not tell the truth
 */
export async function recordBoth(
  recordIn: (mode: RecordingOptions["mode"]) => Promise<Recording>,
): Promise<Recordings> {
  const preview = await recordIn("preview");
  const update = await recordIn("update");
  const urns = (recording: Recording) => new Set(recording.resources.map(({ urn }) => urn));
  const missing = (from: Set<string>, mode: string) => (urn: string) =>
    from.has(urn) ? [] : [`not registered in ${mode}: ${urn}`];
  const failures = [
    ...[...urns(update)].flatMap(missing(urns(preview), "a preview")),
    ...[...urns(preview)].flatMap(missing(urns(update), "an update")),
  ];
  if (failures.length > 0) throw new RecordingError(failures);
  return { preview, update };
}

/** Copies of the same recording are equal as text, and two texts differ where the recordings do. */
export function recordingText({ resources, outputs }: Recording): string {
  const plainResources = resources.map((one) => ({
    ...one,
    inputs: plain(one.inputs),
    outputs: one.outputs === undefined ? undefined : plain(one.outputs),
  }));
  return JSON.stringify({ resources: plainResources, outputs: plain(outputs) }, null, 2);
}
