import { defaultCacheDirectory, projectRoot } from "../paths";
import type { KubernetesMinor, ToolName } from "../release";
import type { Context } from "./provider";

/** What a resource of this project's own plugin may use of the machine. */
export interface PluginHost {
  /** The project's folder. */
  readonly projectRoot: string;
  /** The tool cache, for built images too. */
  readonly cacheDirectory: string;
  readonly signal: AbortSignal;
  /** One line of plain words a step. */
  readonly onProgress: (line: string) => void;
  /** A sentence that the user should still see at the end. */
  readonly onNotice: (line: string) => void;
  /**
   * Paths by name; what is missing is fetched or built.
   * @param kubernetes minor of the Kubernetes commands; default: the one that stacks share
   */
  resolveTools(
    names: readonly ToolName[],
    kubernetes?: KubernetesMinor,
  ): Promise<Readonly<Record<string, string>>>;
}

/** Progress as status lines of the resource `urn`, tools by the resolver. */
export function pluginHost(urn: string, context: Context): PluginHost {
  const onProgress = (line: string): void => context.log.status(line, urn);
  return {
    projectRoot: projectRoot(),
    cacheDirectory: defaultCacheDirectory(),
    signal: context.signal,
    onProgress,
    onNotice: (line) => context.log.info(line, urn),
    resolveTools: async (names, kubernetes) => {
      // Loaded when it is needed: it brings the whole downloader with it.
      const { resolveTools } = await import("../resolve.js");
      const tools = await resolveTools(names, {
        signal: context.signal,
        kubernetes,
        onProgress: (progress) => {
          if (progress.kind === "status" || progress.kind === "note") {
            onProgress(progress.text);
          }
        },
      });
      return Object.fromEntries([...tools].map(([name, { path }]) => [name, path]));
    },
  };
}
