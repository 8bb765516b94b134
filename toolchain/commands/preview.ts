import { parseArgs } from "node:util";

import { readStackSettings } from "../stack-file";
import { localPlan, openProject, STACK, type CommandContext } from "./context";
import { policyArguments } from "./policy";
import { runPulumi, selectStack } from "./pulumi";

/**
 * Runs `pulumi preview` of a stack with the policy pack. Everything but `--stack` is passed on.
 * @returns Pulumi's exit code; 1 where a mandatory policy is broken
 */
export async function preview(context: CommandContext): Promise<number> {
  const { stack, rest } = stackArgument(context.args);
  const settings = await readStackSettings(context.root, stack);
  const plan = await localPlan(context, settings);
  const project = await openProject(context, settings, plan?.tools, stack);
  await selectStack(project, true);
  const quiet = context.interactive ? [] : ["--non-interactive"];
  const policies = policyArguments(project, rest);
  return runPulumi(project, ["preview", "--stack", stack, ...quiet, ...policies, ...rest], {
    interactive: context.interactive,
  });
}

function stackArgument(args: readonly string[]): { stack: string; rest: string[] } {
  const { tokens } = parseArgs({
    args: [...args],
    options: { stack: { type: "string", short: "s" } },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const option = tokens.find((token) => token.kind === "option" && token.name === "stack");
  if (option?.kind !== "option" || typeof option.value !== "string") {
    return { stack: STACK, rest: args.filter((arg) => arg !== "--") };
  }
  const used = option.inlineValue ? 1 : 2;
  const rest = args.filter((_, index) => index < option.index || index >= option.index + used);
  return { stack: option.value, rest: rest.filter((arg) => arg !== "--") };
}
