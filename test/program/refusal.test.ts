import { describe, expect, it } from "vitest";

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
    return { code, errors: engine.errors, registrations: engine.registrations.length };
  } finally {
    engine.stop();
  }
}

describe("a preview", () => {
  it("with a wrong configuration says what is wrong, and nothing else", async () => {
    const changes = { "drydock:apps": { nginx: { replicas: -1 } }, "drydock:clutser": {} };
    expect(await preview(changes)).toEqual({
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
    expect(outcome).toEqual({ code: 0, errors: [] });
    expect(registrations).toBeGreaterThan(20);
  });
});
