import {
  type Context,
  type InvokeRequest,
  type InvokeResult,
  PluginError,
  text,
} from "../../../toolchain/plugin/serve";
import { projectRoot } from "../../../toolchain/paths";
import { chooseEngine, choiceOf, hasRealNode, type Wanted, type WantedEngine } from "../choice";
import { failedReasons, probeHost } from "../runtime/probes";
import { explained } from "./context";
import { clusterSpec } from "./inputs";

/**
 * The function `drydock:local:chooseEngine`: what a local cluster runs in, and whether it has a real
 * node. One that is there stays what it is, unless the stack names another engine, which its resource
 * then refuses. Answers with `engine` and `realNode`, or with a `problem` of the user's.
 */
export async function chooseEngineFunction(
  { args }: InvokeRequest,
  _: Context,
): Promise<InvokeResult> {
  const wanted: Wanted = { ...clusterSpec(args), engine: text(args.engine) as WantedEngine };
  const there = choiceOf(projectRoot(), wanted.name);
  if (there !== undefined) {
    return {
      result: wanted.engine === "auto" ? { ...there } : { ...there, engine: wanted.engine },
    };
  }
  if (wanted.engine === "native") {
    // What is demanded and cannot be had is the resource's to refuse.
    const realNode = wanted.nodes.real !== "never" && failedReasons(await probeHost()).length === 0;
    return { result: { engine: "native", realNode } };
  }
  try {
    const choice = await explained(() => chooseEngine(wanted));
    return { result: { engine: choice.engine, realNode: hasRealNode(choice) } };
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    return { result: { problem: error.message } };
  }
}
