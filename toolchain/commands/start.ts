import { installCommand, missingPackages } from "../system";
import { readStackSettings, type StackSettings } from "../stack-file";
import { localPlan, openProject, say, STACK } from "./context";
import type { CommandContext, Project } from "./context";
import type { LocalClusterPlan } from "./hooks";
import { liveHolder, releaseDeadLock } from "./lock";
import { waitForPage } from "./page";
import { settlePending } from "./pending";
import { policyArguments } from "./policy";
import { runPulumi, selectStack, stackOutputs } from "./pulumi";

/**
 * Gets the tools, brings the stack up by the real CLI and prints the address once it has answered.
 * @returns Pulumi's exit code; 1 when the page does not answer although Pulumi succeeded
 */
export async function start(context: CommandContext): Promise<number> {
  const settings = await readStackSettings(context.root, STACK);
  const plan = await localPlan(context, settings);
  const project = await openProject(context, settings, plan?.tools);
  await warnOfMissingPackages(settings, plan);
  const killed = await releaseDeadLock(project);
  await selectStack(project, true);
  if (killed) {
    const settled = await settlePending(project, context, "revive");
    if (settled !== 0) return settled;
  }
  const args = [...upArguments(context), ...policyArguments(project, context.args)];
  const code = await runPulumi(project, args, {
    interactive: context.interactive,
  });
  if (code !== 0) {
    await sayWhatHelps(project);
    return code;
  }
  await report(project, context.signal);
  return 0;
}

/** `-y`, or no terminal: no question. Everything else is passed on to `pulumi up`. */
export function upArguments({ args, interactive }: CommandContext): readonly string[] {
  const yes = args.some((arg) => arg === "-y" || arg === "--yes") || !interactive;
  const rest = args.filter((arg) => !["-y", "--yes", "--"].includes(arg));
  const answer = [...(yes ? ["--yes"] : []), ...(interactive ? [] : ["--non-interactive"])];
  return ["up", "--stack", STACK, ...answer, ...rest];
}

/** Two that started at once both find the stack free: only one of them gets it. */
async function sayWhatHelps(project: Project): Promise<void> {
  const holder = await liveHolder(project);
  if (holder !== undefined) say(holder);
}

/** A missing package may be the reason why nodes are only simulated: then it is told with its remedy. */
async function warnOfMissingPackages(
  { realNodes }: StackSettings,
  plan: LocalClusterPlan | undefined,
): Promise<void> {
  if (plan === undefined || realNodes === "never" || process.platform !== "linux") return;
  const missing = await missingPackages("node");
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(", ");
  say(`A real node needs ${names}, missing here. To install: ${await installCommand(missing)}`);
}

async function report(project: Project, signal: AbortSignal): Promise<void> {
  const outputs = await stackOutputs(project);
  const url = outputs.nginxUrl;
  const local = project.settings.clusterKind === "local";
  say("");
  if (typeof url !== "string" || outputs.servesTraffic === false) {
    say(
      "The cluster's nodes are simulated: pods are scheduled, no process runs, no page is served.",
    );
  } else if (new URL(url).hostname.endsWith(".svc")) {
    say(`${url} answers inside the cluster only: it has no load balancer.`);
  } else {
    say(`${url} answers: HTTP ${await waitForPage(url, signal)}`);
  }
  say(`
  eval "$(npm run -s env)"     pulumi and kubectl in this shell
  kubectl get pods -A
  npm run down                 removes the stack${local ? " and its cluster" : "; the cluster stays"}`);
}
