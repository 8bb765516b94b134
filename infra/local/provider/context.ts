import { PluginError, type Context } from "../../../toolchain/plugin/serve";
import { pluginHost } from "../../../toolchain/plugin/host";
import { ToolError } from "../../../toolchain/errors";
import { ImageError } from "../../images/errors";
import { LocalClusterError } from "../runtime/errors";
import type { RuntimeContext } from "../runtime/lifecycle";

/** The host of the plugin, as the runtime asks for it. */
export const runtimeContext: (urn: string, context: Context) => RuntimeContext = pluginHost;

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
