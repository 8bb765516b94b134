import { resolve } from "node:path";

import { applyEnvironment, projectEnvironment, type ProjectEnvironment } from "../environment";
import { defaultCacheDirectory, type Environment } from "../paths";
import { withProgress } from "../progress";
import { resolveTools, type ResolvedTools, type ToolName } from "../resolve";
import type { StackSettings } from "../stack-file";
import { ToolError } from "../errors";
import type { LocalClusterPlan, LocalClusters, RunningCluster } from "./hooks";

/** The stack these commands are for where they are not told another one. */
export const STACK = "dev";

export interface CommandContext {
  /** The project's folder. */
  readonly root: string;
  /** Arguments after the command's name. */
  readonly args: readonly string[];
  /** The user's environment. */
  readonly env: Environment;
  readonly localClusters: LocalClusters;
  /** Fires at the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** Whether somebody can answer Pulumi's question. */
  readonly interactive: boolean;
}

/** A project that is ready for Pulumi: tools found or made, environment chosen. */
export interface Project {
  readonly root: string;
  readonly stack: string;
  readonly settings: StackSettings;
  readonly pulumi: string;
  readonly environment: ProjectEnvironment;
  /** Complete environment for child processes. */
  readonly env: Record<string, string | undefined>;
}

/** Whether state lies in the folder that drydock chose because the user had chosen nothing. */
export const usesOwnBackend = ({ environment, env }: Project): boolean =>
  environment.variables.PULUMI_BACKEND_URL !== undefined &&
  environment.variables.PULUMI_BACKEND_URL === env.PULUMI_BACKEND_URL;

/** For people. Standard output is for data. */
export const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** What a user needs in a shell. */
export const SHELL_TOOLS: readonly ToolName[] = ["pulumi", "kubectl"];

/** The plan of the stack's local cluster; undefined where the stack has another kind of cluster. */
export const localPlan = async (
  { localClusters }: CommandContext,
  settings: StackSettings,
): Promise<LocalClusterPlan | undefined> =>
  settings.clusterKind === "local" ? localClusters.plan(settings) : undefined;

/**
 * The stack's local cluster, for a command that works on it without Pulumi.
 * @throws ToolError where the stack has a cluster of another kind
 */
export function localCluster(
  { root, env, signal }: CommandContext,
  settings: StackSettings,
): RunningCluster {
  if (settings.clusterKind !== "local") {
    throw new ToolError({
      what: `the stack ${STACK} has no local cluster`,
      why: `its cluster.kind is ${settings.clusterKind}: whoever runs that cluster keeps its backups`,
    });
  }
  const resolveNames = async (names: readonly ToolName[]) => {
    const tools = await withProgress((onProgress) =>
      resolveTools(names, { env, signal, onProgress, kubernetes: settings.kubernetes }),
    );
    return Object.fromEntries([...tools].map(([name, { path }]) => [name, path]));
  };
  return { root, settings, signal, onProgress: say, resolveTools: resolveNames };
}

/** A path as the user typed it: npm has changed into the project's folder. */
export const userPath = (path: string, env: Environment): string =>
  resolve(env.INIT_CWD ?? process.cwd(), path);

/** @param tools what the command needs beside the tools of a shell */
export async function openProject(
  context: CommandContext,
  settings: StackSettings,
  tools: readonly ToolName[] = [],
  stack: string = STACK,
): Promise<Project> {
  const { root, env, signal } = context;
  const names = [...new Set([...SHELL_TOOLS, ...tools])];
  const resolved = await withProgress((onProgress) =>
    resolveTools(names, { env, signal, onProgress, kubernetes: settings.kubernetes }),
  );
  const environment = await environmentWith(resolved, stack, context);
  for (const note of environment.notes) say(note);
  return {
    root,
    stack,
    settings,
    pulumi: required(resolved, "pulumi").path,
    environment,
    env: applyEnvironment(env, environment),
  };
}

function environmentWith(
  tools: ResolvedTools,
  stack: string,
  { root, env, signal }: CommandContext,
): Promise<ProjectEnvironment> {
  return projectEnvironment({
    root,
    stack,
    pulumi: required(tools, "pulumi"),
    tools: [required(tools, "kubectl")],
    cacheDirectory: defaultCacheDirectory(env),
    env,
    signal,
  });
}

function required(tools: ResolvedTools, name: ToolName) {
  const tool = tools.get(name);
  if (tool === undefined) throw new Error(`${name} was not asked for`);
  return tool;
}
