import { parseArgs } from "node:util";

import { ToolError } from "../errors";
import { readStackSettings } from "../stack-file";
import { backendFiles } from "./backend";
import { restoreCheckpoint } from "./checkpoint";
import { localPlan, openProject, say, STACK, type CommandContext, type Project } from "./context";
import { compareWithWorld, render, TAKE_BACK } from "./drift";
import { assertFree, releaseDeadLock } from "./lock";
import { assertSettled, settlePending } from "./pending";
import { policyArguments } from "./policy";
import { capturePulumi, cliFailure, exportState, runPulumi } from "./pulumi";

/**
 * The way out of whatever stopped or confused an earlier run, step by step: lock, state file, integrity,
 * pending operations, then `pulumi up`. Each step does nothing where nothing is wrong, so that it
 * is safe to repeat and to interrupt. `-y`: no question before the update.
 * @returns 0 when the stack is what the program declares; Pulumi's exit code where a step failed
 */
export async function recover(context: CommandContext): Promise<number> {
  const { stack, yes } = options(context);
  const settings = await readStackSettings(context.root, stack);
  const plan = await localPlan(context, settings);
  const project = await openProject(context, settings, plan?.tools, stack);
  await mendFiles(project);
  if ((await exportState(project)) === undefined) {
    say(`There is no stack ${stack}: nothing to recover. npm start makes dev.`);
    return 0;
  }
  await repairIntegrity(project);
  const settled = await settlePending(project, context, "revive");
  return settled === 0 ? converge(project, context, yes) : settled;
}

function options({ args, interactive }: CommandContext): { stack: string; yes: boolean } {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== "--"),
    options: {
      stack: { type: "string", short: "s", default: STACK },
      yes: { type: "boolean", short: "y", default: false },
    },
  });
  return { stack: values.stack, yes: values.yes || !interactive };
}

/** Lock and state file, where they can be seen. */
async function mendFiles(project: Project): Promise<void> {
  const files = await backendFiles(project);
  if (files === undefined) {
    say(`The backend is no folder of this machine: it keeps locks and copies of the state by itself.
  A lock that a killed run left there: pulumi cancel --stack ${project.stack}`);
    return;
  }
  await assertFree(project, files);
  // First the state: a CLI that cannot read it does nothing else.
  await restoreCheckpoint(files);
  await releaseDeadLock(project, files);
}

async function repairIntegrity(project: Project): Promise<void> {
  const result = await capturePulumi(project, ["state", "repair", "--yes", "-s", project.stack]);
  if (result.exitCode !== 0) throw cliFailure("repair the stack's state", result);
  if (!`${result.stdout}${result.stderr}`.includes("State repaired")) return;
  say("The state named resources that it did not hold: pulumi state repair has taken that out.");
}

/** Brings the stack to what the program declares, and sees that it is. */
async function converge(project: Project, context: CommandContext, yes: boolean): Promise<number> {
  const { stack } = project;
  const compared = await compareWithWorld(project);
  if (compared.failure !== undefined) {
    say(compared.failure.error.message);
    return compared.failure.exitCode;
  }
  const { resources, unapplied } = compared.drift;
  if (resources.length === 0 && unapplied === 0) {
    await assertSettled(project);
    say(`The stack ${stack} is in order: nothing is pending, and nothing differs.`);
    return 0;
  }
  say(render(compared.drift));
  const answer = yes ? ["--yes", "--non-interactive"] : [];
  const up = ["up", "--stack", stack];
  const policies = policyArguments(project, []);
  const { interactive } = context;
  const code = await runPulumi(project, [...up, "--refresh", ...answer, ...policies], {
    interactive,
    env: compared.contested ? TAKE_BACK : {},
  });
  if (code !== 0) return code;
  // The permission to use force is a setting of the provider: it must not stay in the state.
  const settled = compared.contested
    ? await runPulumi(project, [...up, "--yes", "--skip-preview"], { interactive })
    : 0;
  return settled === 0 ? check(project) : settled;
}

async function check(project: Project): Promise<number> {
  await assertSettled(project);
  const { drift, failure } = await compareWithWorld(project);
  if (failure !== undefined) throw failure.error;
  if (drift.resources.length + drift.unapplied > 0) {
    throw new ToolError({
      what: `the stack ${project.stack} still differs from what the program declares`,
      why: render(drift),
      fix: "somebody else may be changing it at this moment: find out who, then run it again",
    });
  }
  say(`The stack ${project.stack} is in order again: nothing is pending, and nothing differs.`);
  return 0;
}
