import { readEntry } from "../cache";
import { requireGo } from "../build";
import { Downloader, DEFAULT_LIMITS } from "../download";
import { reasonOf, ToolError } from "../errors";
import { defaultCacheDirectory } from "../paths";
import { searchPath } from "../probe";
import { hasOfficialPlugin } from "../pulumi-home";
import { currentPlatform, expand, type Release, releasesOf } from "../release";
import { readStackSettings, type StackSettings } from "../stack-file";
import { installCommand, isPresent, SYSTEM_PACKAGES, type SystemPackage } from "../system";
import { KUBERNETES_PLUGIN_VERSION, RELEASES } from "../tools";
import { compareVersions } from "../versions";
import { localPlan, SHELL_TOOLS, STACK, type CommandContext } from "./context";
import type { DoctorLine, LocalClusterPlan, Section } from "./hooks";

const OLDEST_NODE = "20.19.0";
const MARKS = { ok: "ok  ", note: "note", missing: "MISS" } as const;

/** Says what `start` would find and what it would miss. Fetches and builds nothing. @returns 0 if start can work */
export async function doctor(context: CommandContext): Promise<number> {
  const { root } = context;
  const settings = await readStackSettings(root, STACK);
  const plan = await localPlan(context, settings).catch(asToolError);
  const names = new Set<string>([
    ...SHELL_TOOLS,
    ...(plan === undefined || plan instanceof ToolError ? [] : plan.tools),
  ]);
  const releases = releasesOf(names, settings.kubernetes, RELEASES);
  const sections = [
    nodeSection(),
    await toolSection(releases, context),
    await packageSection(),
    await pluginSection(context),
    ...(plan === undefined ? [] : [clusterSection(context, settings, plan)]),
  ];
  process.stdout.write(render(sections));
  const missing = sections.some(({ lines }) => lines.some(({ state }) => state === "missing"));
  return missing ? 1 : 0;
}

export function render(sections: readonly Section[]): string {
  const blocks = sections.map(({ title, lines }) => {
    const shown = lines.flatMap(({ state, text, fix }) => [
      `  ${MARKS[state]}  ${text}`,
      ...(fix === undefined ? [] : [`        fix: ${fix}`]),
    ]);
    return [title, ...shown].join("\n");
  });
  return `${blocks.join("\n\n")}\n`;
}

function nodeSection(): Section {
  const version = process.versions.node;
  const fits = compareVersions(version, OLDEST_NODE) >= 0;
  const line: DoctorLine = fits
    ? { state: "ok", text: `node ${version}` }
    : {
        state: "missing",
        text: `node ${version}, older than ${OLDEST_NODE}`,
        fix: "https://nodejs.org/en/download",
      };
  return { title: "Node.js", lines: [line] };
}

async function toolSection(
  releases: readonly Release[],
  context: CommandContext,
): Promise<Section> {
  const { env } = context;
  const cache = { directory: defaultCacheDirectory(env), platform: currentPlatform() };
  const obtainable = new Obtainable(context);
  const lines: DoctorLine[] = [];
  for (const release of releases) {
    const { tools, rejected } = await searchPath(release, env, cache.directory);
    const origin = tools === undefined ? await readEntry(cache, release) : undefined;
    const names = release.tools.map(({ name }) => name).join(", ");
    if (tools !== undefined) {
      for (const [name, { path, version }] of tools) {
        lines.push({ state: "ok", text: `${name} ${version}  PATH: ${path}` });
      }
    } else if (origin !== undefined) {
      const how = origin.source === "build" ? "built from source" : "official release";
      const passed = rejected === undefined ? "" : `  (${rejected})`;
      lines.push({ state: "ok", text: `${names} ${release.version}  cache, ${how}${passed}` });
    } else {
      lines.push(await obtainable.line(release, names));
    }
  }
  await obtainable.close();
  return { title: `Tools (cache: ${cache.directory})`, lines };
}

/** What `start` could do about a missing tool; each host and the compiler are asked once. */
class Obtainable {
  readonly #downloader: Downloader;
  #build: Promise<string | ToolError> | undefined;

  constructor(private readonly context: CommandContext) {
    this.#downloader = new Downloader(context.env, DEFAULT_LIMITS);
  }

  close = (): Promise<void> => this.#downloader.close();

  async line(release: Release, names: string): Promise<DoctorLine> {
    const text = `${names} ${release.version}  not here yet`;
    const unreachable = await this.#unreachable(release);
    if (unreachable === undefined) return { state: "note", text: `${text}: start downloads it` };
    this.#build ??= requireGo(this.context.env).catch(asToolError);
    const go = await this.#build;
    if (typeof go === "string") {
      return { state: "note", text: `${text}: start builds it with Go ${go} (${unreachable})` };
    }
    return {
      state: "missing",
      text: `${text}: ${unreachable}, and no Go to build it`,
      fix: go.details.fix,
    };
  }

  async #unreachable(release: Release): Promise<string | undefined> {
    const platform = currentPlatform();
    if (this.context.env.DRYDOCK_DOWNLOADS === "off") return "DRYDOCK_DOWNLOADS is off";
    if (release.url === undefined || release.sha256[platform] === undefined) {
      return `no release for ${platform}`;
    }
    const url = expand(release.url, release.version, platform);
    return this.#downloader.checkHost(url, this.context.signal).then(() => undefined, reasonOf);
  }
}

async function packageSection(): Promise<Section> {
  const lines = await Promise.all(SYSTEM_PACKAGES.map((entry) => packageLine(entry)));
  return { title: "System packages", lines };
}

const WITHOUT = {
  node: ", nodes are simulated without it",
  build: ", needed only where a tool is built from source",
  image: ", needed only where no container registry answers",
} as const;

async function packageLine(entry: SystemPackage): Promise<DoctorLine> {
  const text = `${entry.name}: ${entry.use}`;
  if (await isPresent(entry)) return { state: "ok", text };
  return {
    state: "note",
    text: `${text}; missing${WITHOUT[entry.purpose]}`,
    fix: await installCommand([entry]),
  };
}

async function pluginSection({ env }: CommandContext): Promise<Section> {
  const official = await hasOfficialPlugin(env);
  const text = official
    ? `official Kubernetes plugin ${KUBERNETES_PLUGIN_VERSION}`
    : `the official Kubernetes plugin ${KUBERNETES_PLUGIN_VERSION} is not installed: start tries to install it, else drydock's stand-in serves`;
  return { title: "Pulumi plugins", lines: [{ state: official ? "ok" : "note", text }] };
}

/** What the machine permits, then how the cluster's components are. */
function clusterSection(
  { root, localClusters }: CommandContext,
  settings: StackSettings,
  plan: LocalClusterPlan | ToolError,
): Section {
  const permits: DoctorLine =
    plan instanceof ToolError
      ? { state: "missing", text: plan.message }
      : { state: plan.realNode ? "ok" : "note", text: plan.summary };
  const lines = [permits, ...localClusters.components(root, settings)];
  return { title: `Cluster ${settings.clusterName}`, lines };
}

/** Expected failures are part of the answer here. */
function asToolError(error: unknown): ToolError {
  if (error instanceof ToolError) return error;
  throw error;
}
