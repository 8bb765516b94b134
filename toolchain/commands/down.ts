import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";

import { passphraseFile, stateFolder } from "../environment";
import { hasSalt, readStackSettings, stackFiles } from "../stack-file";
import { openProject, say, STACK, type CommandContext, type Project } from "./context";
import { releaseDeadLock } from "./lock";
import { settlePending } from "./pending";
import { capturePulumi, cliFailure, runPulumi, selectStack } from "./pulumi";

/**
 * Destroys the stack and removes it; then sees that nothing of a local cluster is left. The stack's file
 * and the tool cache stay. `--force` goes on when `pulumi destroy` fails.
 * @returns Pulumi's exit code
 */
export async function down(context: CommandContext): Promise<number> {
  const force = context.args.includes("--force");
  const project = await openProject(context, await readStackSettings(context.root, STACK));
  await releaseDeadLock(project);
  if (await selectStack(project, false)) {
    const settled = await settlePending(project, context, "ignore");
    const code = settled === 0 ? await destroy(project, context) : settled;
    if (code !== 0 && (!force || context.signal.aborted)) {
      if (!context.signal.aborted) say(howToGoOn(project));
      return code;
    }
    await removeLocalCluster(project, context);
    await removeStack(project, force);
  } else {
    say(`There is no stack ${STACK}.`);
    await removeLocalCluster(project, context);
  }
  await removeEmptyBackend(project);
  return 0;
}

function destroy(project: Project, { interactive, args }: CommandContext): Promise<number> {
  const local = project.settings.clusterKind === "local";
  const rest = args.filter((arg) => !["-y", "--yes", "--", "--force"].includes(arg));
  const command = ["destroy", "--stack", STACK, "--yes", "--skip-preview", ...rest];
  // A local cluster goes too: its objects need no deletion of their own where it does not answer.
  return runPulumi(project, command, {
    interactive,
    ...(local && { env: { PULUMI_K8S_DELETE_UNREACHABLE: "true" } }),
  });
}

const howToGoOn = ({ settings }: Project): string =>
  settings.clusterKind === "local"
    ? "pulumi destroy failed. `npm run down -- --force` removes the local cluster and forgets the stack."
    : "pulumi destroy failed; nothing was forgotten. Mend the cause and run it again.";

async function removeLocalCluster(project: Project, context: CommandContext): Promise<void> {
  const { root, settings } = project;
  if (settings.clusterKind !== "local") return;
  const removed = await context.localClusters.remove(root, settings);
  for (const line of removed) say(`removed ${line}`);
}

async function removeStack(project: Project, force: boolean): Promise<void> {
  const args = ["stack", "rm", STACK, "--yes", "--preserve-config", ...(force ? ["--force"] : [])];
  const removed = await capturePulumi(project, args);
  if (removed.exitCode !== 0) throw cliFailure("remove the stack", removed);
  say(`The stack ${STACK} is gone. The tool cache stays.`);
}

/** Without a stack, the project's own backend, its passphrase and its PULUMI_HOME have no more use. */
async function removeEmptyBackend({ root }: Project): Promise<void> {
  const stacks = join(stateFolder(root), ".pulumi", "stacks");
  const left = await readdir(stacks, { recursive: true }).catch(() => []);
  if (left.some((name) => name.endsWith(".json"))) return;
  const bound = await Promise.all((await stackFiles(root)).map(hasSalt));
  const folder = join(root, ".drydock");
  await rm(stateFolder(root), { recursive: true, force: true });
  await rm(join(folder, "home"), { recursive: true, force: true });
  // Encrypted values in a stack's file need the passphrase for ever.
  if (!bound.includes(true)) await rm(passphraseFile(root), { force: true });
  for (const empty of [join(folder, "clusters"), folder]) await rmdir(empty).catch(() => undefined);
}
