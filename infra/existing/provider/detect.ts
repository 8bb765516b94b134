import {
  type Context,
  type InvokeRequest,
  type InvokeResult,
  PluginError,
  type PropertyMap,
  Secret,
} from "../../../toolchain/plugin/serve";
import { detect } from "../detect";
import { ExistingClusterError } from "../detect/errors";

/** The function `drydock:existing:detect`. Answers with a Detection, or with a `problem` of the user's. */
export async function detectFunction(
  { args }: InvokeRequest,
  { signal }: Context,
): Promise<InvokeResult> {
  try {
    const { kubeconfig, ...found } = await detect(
      {
        kubeconfig: text(args.kubeconfig),
        context: text(args.context),
        identity: text(args.identity),
      },
      signal,
    );
    const plain = JSON.parse(JSON.stringify(found)) as PropertyMap;
    return { result: { ...plain, kubeconfig: new Secret(kubeconfig) } };
  } catch (error) {
    if (!(error instanceof ExistingClusterError) && !(error instanceof PluginError)) throw error;
    return { result: { problem: error.message } };
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
