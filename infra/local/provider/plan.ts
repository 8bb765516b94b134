import {
  type Context,
  type InvokeRequest,
  type InvokeResult,
  PluginError,
  text,
} from "../../../toolchain/plugin/serve";
import { projectRoot } from "../../../toolchain/paths";
import { chooseEngine, engineOf, type Wanted, type WantedEngine } from "../choice";
import { explained } from "./context";
import { clusterSpec } from "./inputs";

/**
 * The function `drydock:local:chooseEngine`: what a local cluster runs in. One that is there stays in
 * what it is, unless the stack names another, which its resource then refuses. Answers with an
 * `engine`, or with a `problem` of the user's.
 */
export async function chooseEngineFunction(
  { args }: InvokeRequest,
  _: Context,
): Promise<InvokeResult> {
  const wanted: Wanted = { ...clusterSpec(args), engine: text(args.engine) as WantedEngine };
  if (wanted.engine === "native") return { result: { engine: "native" } };
  const there = engineOf(projectRoot(), wanted.name);
  if (there !== undefined) {
    return { result: { engine: wanted.engine === "auto" ? there : wanted.engine } };
  }
  try {
    const { engine } = await explained(() => chooseEngine(wanted));
    return { result: { engine } };
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    return { result: { problem: error.message } };
  }
}
