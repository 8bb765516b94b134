import {
  type Context,
  type CreateRequest,
  type CreateResult,
  type DeleteRequest,
  type DiffRequest,
  type DiffResult,
  type PropertyDiff,
  type PropertyMap,
  type ReadRequest,
  type ReadResult,
  type UpdateRequest,
  type UpdateResult,
} from "../../../toolchain/plugin/serve";
import { chooseEngine, describeChoice } from "../choice";
import { explained, runtimeContext } from "../provider/context";
import { clusterSpec } from "../provider/inputs";
import {
  clusterOutputs,
  keptInState,
  notRunningWhole,
  plannedOutputs,
  readResult,
} from "../provider/outputs";
import { clusterPaths } from "../runtime/paths";
import { readText } from "../runtime/process";
import { nodeContainer } from "./commands";
import type { ContainerEngine } from "./container-engine";
import { deleteKindCluster, ensureKindCluster, kindServer, missingKindParts } from "./lifecycle";
import { type KindRecord, readKindRecord } from "./record";

/** The resource `drydock:local:Cluster` where kind makes it. Its id is the cluster's name. */
export const kindClusterResource = {
  /** Beside changed inputs, a container that does not run is a difference too. */
  async diff(request: DiffRequest, context: Context): Promise<DiffResult> {
    const { id, urn, oldInputs, news } = request;
    const detailedDiff: Record<string, PropertyDiff> = {};
    if (oldInputs.clusterName !== news.clusterName) {
      detailedDiff.clusterName = { kind: "update-replace", inputDiff: true };
    }
    // The node's image is the version: another one is another container, with other data.
    if (oldInputs.kubernetesVersion !== news.kubernetesVersion) {
      detailedDiff.kubernetesVersion = { kind: "update-replace", inputDiff: true };
    }
    if (oldInputs.loadBalancerAddress !== news.loadBalancerAddress) {
      detailedDiff.loadBalancerAddress = { kind: "update", inputDiff: true };
    }
    const paths = clusterPaths(runtimeContext(urn, context).projectRoot, id);
    const record = readKindRecord(paths);
    const missing = record === undefined ? ["every part"] : await missingKindParts(record, paths);
    if (missing.length > 0) {
      detailedDiff.status = { kind: "update" };
      context.log.warn(notRunningWhole(id, missing), urn);
    }
    const changes = Object.keys(detailedDiff).length > 0 ? "some" : "none";
    return { changes, detailedDiff, deleteBeforeReplace: true };
  },

  async create({ inputs, urn, preview }: CreateRequest, context: Context): Promise<CreateResult> {
    return explained(async () => {
      const spec = clusterSpec(inputs);
      const choice = await chooseEngine({ ...spec, engine: "kind" });
      if (choice.engine !== "kind") throw new Error("kind was asked for");
      if (preview) {
        const text = describeChoice(choice, spec.kubernetesVersion);
        context.log.info(`creates ${text}`, urn);
        return { id: "", outputs: { ...plannedOutputs(inputs), coreDnsImage: "" } };
      }
      return { id: spec.name, outputs: await startOrKeep(inputs, urn, choice.container, context) };
    });
  },

  async update({ id, news, urn, preview, ...request }: UpdateRequest, context: Context) {
    return explained(async (): Promise<UpdateResult> => {
      if (preview) return { outputs: { ...request.oldOutputs, ...news, status: "running" } };
      const runtime = runtimeContext(urn, context);
      const paths = clusterPaths(runtime.projectRoot, id);
      const record = readKindRecord(paths);
      const choice = record ?? (await chooseEngine({ ...clusterSpec(news), engine: "kind" }));
      if (!("container" in choice)) throw new Error("kind was asked for");
      const made = await ensureKindCluster(clusterSpec(news), choice.container, runtime);
      return { outputs: outputsOf(news, made, paths) };
    });
  },

  async read(request: ReadRequest, context: Context): Promise<ReadResult | undefined> {
    const paths = clusterPaths(runtimeContext(request.urn, context).projectRoot, request.id);
    const record = readKindRecord(paths);
    if (record === undefined) return undefined;
    const missing = await missingKindParts(record, paths);
    return readResult(request, record.spec, missing, (inputs) => outputsOf(inputs, record, paths));
  },

  async delete({ id, urn }: DeleteRequest, context: Context): Promise<void> {
    const runtime = runtimeContext(urn, context);
    runtime.onProgress("removing the container, the agent and the files");
    await explained(() => deleteKindCluster(id, runtime));
  },
};

/** Failed half-way it stays in state: the next update goes on, a destroy removes it. */
async function startOrKeep(
  inputs: PropertyMap,
  urn: string,
  container: ContainerEngine,
  context: Context,
): Promise<PropertyMap> {
  const runtime = runtimeContext(urn, context);
  const spec = clusterSpec(inputs);
  const paths = clusterPaths(runtime.projectRoot, spec.name);
  try {
    return outputsOf(inputs, await ensureKindCluster(spec, container, runtime), paths);
  } catch (error) {
    const record = readKindRecord(paths);
    if (record === undefined) throw error;
    const outputs = outputsOf(inputs, record, paths);
    throw keptInState(spec.name, { inputs, outputs }, error, context);
  }
}

function outputsOf(
  inputs: PropertyMap,
  record: KindRecord,
  paths: ReturnType<typeof clusterPaths>,
): PropertyMap {
  return clusterOutputs(inputs, {
    uid: record.uid,
    version: record.kubernetes,
    server: kindServer(paths),
    kubeconfig: readText(paths.kubeconfig) ?? "",
    servesTraffic: true,
    nodeNames: [nodeContainer(record.spec.name)],
    reasons: [],
    // CoreDNS is kind's own.
    coreDnsImage: "",
  });
}
