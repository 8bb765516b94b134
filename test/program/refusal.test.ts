import { describe, expect, it, onTestFinished, vi } from "vitest";

import { ListeningEngine } from "../../scripts/bench/engine";
import { exitCode, runProgram } from "../../scripts/bench/run-program";
import { stackFile } from "../../review/recording/stack-file";

/** The exit code by which a program tells that its user has been told. */
const ALREADY_REPORTED = 32;

/** The program itself, in a process of its own, as `pulumi preview` starts it. */
async function preview(changes: Readonly<Record<string, unknown>>) {
  const engine = new ListeningEngine();
  const address = await engine.start();
  try {
    const code = await exitCode(runProgram(address, { ...stackFile("dev").config, ...changes }));
    const { errors, debugging } = engine;
    const steps = debugging.filter((message) => message.includes("RegisterResource RPC prepared"));
    return { code, errors, steps: steps.length, registrations: engine.registrations.length };
  } finally {
    engine.stop();
  }
}

describe("a preview", () => {
  it("with a wrong configuration says what is wrong, and nothing else", async () => {
    const changes = { "drydock:apps": { nginx: { replicas: -1 } }, "drydock:clutser": {} };
    expect(await preview(changes)).toMatchObject({
      code: ALREADY_REPORTED,
      errors: [
        `The stack's configuration has 2 problems:
  drydock:apps.nginx.replicas = -1
    rule: must be a whole number from 0 to 100
    fix:  change it, or remove it for the default, 3
  drydock:clutser = {}
    rule: is not a key of the namespace drydock, which has cluster, platform, apps
    fix:  did you mean cluster?`,
      ],
      registrations: 1, // The stack itself.
    });
  });

  it("with the right one registers everything", async () => {
    const { registrations, ...outcome } = await preview({});
    // The SDK registers the stack before it loads the program.
    expect(outcome).toEqual({ code: 0, errors: [], steps: 1 });
    expect(registrations).toBeGreaterThan(20);
  });

  it("tells the SDK's steps to who asks for them as the CLI does", async () => {
    vi.stubEnv("PULUMI_OPTION_DEBUG", "true");
    onTestFinished(() => void vi.unstubAllEnvs());
    const { steps, registrations } = await preview({});
    expect(steps).toBe(registrations);
  });
});
