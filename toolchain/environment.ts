import { randomBytes } from "node:crypto";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { availableParallelism, userInfo } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";

import { errorCode, ToolError } from "./errors";
import { provideLanguageHost } from "./language-host";
import type { Environment } from "./paths";
import { choosePulumiHome, userPulumiHome } from "./pulumi-home";
import type { ResolvedTool } from "./resolve";
import { hasSalt, readStackSettings, stackFile } from "./stack-file";

export interface EnvironmentOptions {
  readonly root: string;
  readonly stack: string;
  readonly pulumi: ResolvedTool;
  /** Further tools to put on PATH, such as kubectl. */
  readonly tools: readonly ResolvedTool[];
  readonly cacheDirectory: string;
  /** The user's: see userEnvironment. */
  readonly env: Environment;
  readonly signal?: AbortSignal | undefined;
  /** Whose answer shows that the official plugin can be had; default: Pulumi's plugin server. */
  readonly pluginServer?: string;
}

/** What a shell or a child process needs beyond the user's environment, so that plain `pulumi` and `kubectl` work. */
export interface ProjectEnvironment {
  readonly variables: Readonly<Record<string, string>>;
  /** Folders to put in front of PATH. */
  readonly pathPrefix: readonly string[];
  /** For people: which stand-ins serve, each told once. */
  readonly notes: readonly string[];
}

export async function projectEnvironment(options: EnvironmentOptions): Promise<ProjectEnvironment> {
  const { root, stack, pulumi, tools, env } = options;
  const [home, host] = [
    await choosePulumiHome({ ...options, pulumi: pulumi.path }),
    await provideLanguageHost(root, pulumi, env),
  ];
  const { clusterKind, clusterName } = await readStackSettings(root, stack);
  const kubeconfig = join(root, ".drydock", "clusters", clusterName, "kubeconfig");
  const folders = [pulumi, ...tools].filter(({ source }) => source !== "PATH");
  const prefix = [
    ...folders.map(({ path }) => dirname(path)),
    ...(host.folder ? [host.folder] : []),
  ];
  const present = new Set((env.PATH ?? "").split(delimiter));
  return {
    variables: {
      DRYDOCK_PROJECT: root,
      ...(await backendVariables(root, stack, env)),
      ...homeVariables(home.home, env),
      ...(clusterKind === "local" && { KUBECONFIG: kubeconfig }),
      // Drydock chose this CLI: the user has no use for the advice to update it.
      ...(pulumi.source !== "PATH" && { PULUMI_SKIP_UPDATE_CHECK: "true" }),
      ...(env.PULUMI_PARALLEL === undefined && { PULUMI_PARALLEL: String(OPERATIONS) }),
    },
    pathPrefix: [...new Set(prefix)].filter((folder) => !present.has(folder)),
    notes: [home.note, host.note].filter((note) => note !== undefined),
  };
}

/**
 * So many operations go on at once. The CLI's own number, four for each core, is meant for work; most here
 * wait for pods, and on a small machine those would keep the places that others could use.
 */
const OPERATIONS = Math.max(32, 4 * availableParallelism());

/** The user's environment with the project's on top, for a child process. */
export function applyEnvironment(
  env: Environment,
  { variables, pathPrefix }: ProjectEnvironment,
): Record<string, string | undefined> {
  const path = [...pathPrefix, ...(env.PATH === undefined ? [] : [env.PATH])];
  return { ...env, ...variables, PATH: path.join(delimiter) };
}

/**
 * The user's own environment: without what an earlier `env`, of this checkout or of another, put there.
 * Those values are no choice of the user, and would send this stack's state to the other project.
 */
export function userEnvironment(env: Environment): Environment {
  const project = env.DRYDOCK_PROJECT;
  if (project === undefined) return env;
  const folder = join(project, ".drydock");
  const url = pathToFileURL(folder).href;
  const ours = ([name, value]: [string, string | undefined]) =>
    name === "DRYDOCK_PROJECT" ||
    (name !== "PATH" && (value?.startsWith(folder) === true || value?.startsWith(url) === true));
  const { [USER_HOME]: home, ...rest } = Object.fromEntries(
    Object.entries(env).filter((entry) => !ours(entry)),
  );
  return home === undefined ? rest : { ...rest, PULUMI_HOME: home };
}

/** What a shell still holds from an earlier `env` and must not hold any longer. */
export const outdatedVariables = (
  env: Environment,
  { variables }: ProjectEnvironment,
): readonly string[] => {
  const user = userEnvironment(env);
  return Object.keys(env).filter(
    (name) => user[name] === undefined && variables[name] === undefined,
  );
};

/** Keeps a PULUMI_HOME of the user's for the next run of `env`. */
const USER_HOME = "DRYDOCK_USER_PULUMI_HOME";

function homeVariables(home: string | undefined, env: Environment): Record<string, string> {
  const user = userPulumiHome(env);
  // Pulumi may take the home folder from the account and not from HOME: where they differ, it is told.
  if (home === undefined)
    return user === join(userInfo().homedir, ".pulumi") ? {} : { PULUMI_HOME: user };
  // The user's logins stay where they are.
  const credentials = env.PULUMI_CREDENTIALS_PATH ?? user;
  return {
    PULUMI_HOME: home,
    PULUMI_CREDENTIALS_PATH: credentials,
    // `pulumi import` would end with an error after its work: the stand-in has no schema to make code from.
    PULUMI_OPTION_GENERATE_CODE: "false",
    // Pulumi would try before each run to download the plugins of all packages, where none can be had
    // and the stack may use none of them. One that it does use is asked for at its first resource.
    PULUMI_OPTION_SKIP_PLUGIN_PRE_INSTALL: "true",
    ...(env.PULUMI_HOME !== undefined && { [USER_HOME]: env.PULUMI_HOME }),
  };
}

/** The folder of the project's own file backend. */
export const stateFolder = (root: string): string => join(root, ".drydock", "state");
export const passphraseFile = (root: string): string => join(root, ".drydock", "passphrase");

/**
 * Backend and passphrase. What the user has set or logged in to is left alone; only where there is
 * nothing, the state goes to a folder of the project, encrypted with a generated passphrase.
 */
async function backendVariables(
  root: string,
  stack: string,
  env: Environment,
): Promise<Record<string, string>> {
  const own = pathToFileURL(stateFolder(root)).href;
  const chosen = await chosenBackend(root, env);
  if (chosen !== undefined && chosen !== own) return {};
  await mkdir(stateFolder(root), { recursive: true, mode: 0o700 });
  const backend = {
    PULUMI_BACKEND_URL: own,
    // The salt is read from the state: see withoutSalt.
    PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
  };
  const file = passphraseFile(root);
  // An empty passphrase is one; an empty file name is none.
  const given = env.PULUMI_CONFIG_PASSPHRASE_FILE ?? "";
  if (env.PULUMI_CONFIG_PASSPHRASE !== undefined || (given !== "" && given !== file))
    return backend;
  await ensurePassphrase(stackFile(root, stack), file);
  return { ...backend, PULUMI_CONFIG_PASSPHRASE_FILE: file };
}

/** The backend's URL, or another word that says there is one; undefined where the user chose nothing. */
async function chosenBackend(root: string, env: Environment): Promise<string | undefined> {
  const fromEnvironment = env.PULUMI_BACKEND_URL ?? "";
  if (fromEnvironment !== "") return fromEnvironment;
  if ((env.PULUMI_ACCESS_TOKEN ?? "") !== "") return "Pulumi Cloud";
  const project = parse(await readText(join(root, "Pulumi.yaml"))) as {
    backend?: { url?: string };
  } | null;
  if (project?.backend?.url !== undefined) return project.backend.url;
  const folder = env.PULUMI_CREDENTIALS_PATH ?? userPulumiHome(env);
  return currentLogin(await readText(join(folder, "credentials.json")));
}

function currentLogin(credentials: string): string | undefined {
  try {
    const { current } = JSON.parse(credentials) as { current?: string };
    return current === "" ? undefined : current;
  } catch {
    // No login, or a file that Pulumi itself will complain about.
    return undefined;
  }
}

const readText = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");

/** Writes 32 random bytes, once, readable by the user alone. */
async function ensurePassphrase(stackFilePath: string, file: string): Promise<void> {
  if (await stat(file).then(Boolean, () => false)) return;
  if (await hasSalt(stackFilePath)) {
    throw new ToolError({
      what: "this stack was encrypted with a passphrase that is not here",
      where: stackFilePath,
      why: `it has an encryptionsalt, and there is no ${file}`,
      fix: "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE; if the file holds no `secure:` values, remove its encryptionsalt line",
    });
  }
  try {
    const passphrase = randomBytes(32).toString("base64url");
    await writeFile(file, `${passphrase}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    // Another run was first: its passphrase counts.
    if (errorCode(error) !== "EEXIST") throw error;
  }
}
