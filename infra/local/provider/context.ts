import { PluginError, type Context } from "../../../toolchain/plugin/serve";
import { defaultCacheDirectory, projectRoot } from "../../../toolchain/paths";
import { ToolError } from "../../../toolchain/errors";
import { ImageError } from "../../images/errors";
import { LocalClusterError } from "../runtime/errors";
import type { RuntimeContext } from "../runtime/lifecycle";

/** Ties the runtime to the engine: progress as status lines of the resource, tools by the resolver. */
export function runtimeContext(urn: string, context: Context): RuntimeContext {
  const onProgress = (line: string): void => context.log.status(line, urn);
  return {
    projectRoot: projectRoot(),
    cacheDirectory: defaultCacheDirectory(),
    signal: context.signal,
    onProgress,
    onNotice: (line) => context.log.info(line, urn),
    resolveTools: async (names, kubernetes) => {
      // Loaded when it is needed: it brings the whole downloader with it.
      const { resolveTools } = await import("../../../toolchain/resolve.js");
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

/** Expected failures reach the user as they are; anything else is a fault of the program. */
export async function explained<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (
      error instanceof LocalClusterError ||
      error instanceof ToolError ||
      error instanceof ImageError
    ) {
      throw new PluginError(error.message, { cause: error });
    }
    throw error;
  }
}
