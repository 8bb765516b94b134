import {
  type CheckFailure,
  type CheckRequest,
  type CheckResult,
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
  text,
} from "../../../toolchain/plugin/serve";
import { kubernetesVersion } from "../../../toolchain/tools";
import { describeChanges, presentVersion } from "../runtime/changes";
import { deleteCluster, inShort, otherOwner, remnants } from "../runtime/delete";
import {
  describeCluster,
  ensureCluster,
  missingParts,
  type RunningCluster,
} from "../runtime/lifecycle";
import { clusterPaths } from "../runtime/paths";
import { describePlan, planCluster } from "../runtime/plan";
import { readRecord } from "../runtime/record";
import type { ClusterRecord, ClusterSpec } from "../runtime/spec";
import { explained, runtimeContext } from "./context";
import { refusedChange } from "../runtime/versions";
import { differences } from "./difference";
import { checkClusterInputs, clusterSpec } from "./inputs";
import {
  clusterOutputs,
  keptInState,
  notRunningWhole,
  plannedOutputs,
  readResult,
} from "./outputs";

/** The resource `drydock:local:Cluster`. Its id is the cluster's name. */
export const clusterResource = {
  async check({ urn, news, olds }: CheckRequest, context: Context): Promise<CheckResult> {
    const failures = checkClusterInputs(news);
    const { projectRoot } = runtimeContext(urn, context);
    const name = text(news.clusterName);
    const owner = olds.clusterName === name ? undefined : otherOwner(projectRoot, name);
    if (owner !== undefined) {
      const reason = `"${name}" is the name of a cluster that runs already, of ${owner}: choose another, or remove that one with npm run down there`;
      failures.push({ property: "clusterName", reason });
    }
    failures.push(...refuseAnother(projectRoot, clusterSpec(news), text(olds.clusterName)));
    return Promise.resolve({ inputs: news, failures });
  },

  /** Beside changed inputs, a cluster whose processes are gone is a difference too. */
  async diff(request: DiffRequest, context: Context): Promise<DiffResult> {
    const spec = clusterSpec(request.news);
    const detailedDiff: Record<string, PropertyDiff> = differences(
      clusterSpec(request.oldInputs),
      spec,
    );
    const record = recordOf(request.id, request.urn, context);
    if (record !== undefined && needsUpgrade(record, spec)) {
      // Also where only the pinned patch has moved.
      detailedDiff.version = { kind: "update" };
    }
    const missing = missingNow(request.id, request.urn, context);
    if (missing.length > 0) {
      detailedDiff.status = { kind: "update" };
      context.log.warn(notRunningWhole(request.id, missing), request.urn);
    }
    const changed = Object.keys(detailedDiff).length > 0;
    return Promise.resolve({
      changes: changed ? "some" : "none",
      detailedDiff,
      // Its name, address and ports are in use until it is gone.
      deleteBeforeReplace: true,
    });
  },

  async create(request: CreateRequest, context: Context): Promise<CreateResult> {
    return explained(async () => {
      const spec = clusterSpec(request.inputs);
      if (request.preview) {
        const plan = await planCluster(spec);
        const version = kubernetesVersion(spec.kubernetesVersion);
        context.log.info(`creates ${describePlan(plan, version)}`, request.urn);
        const { projectRoot } = runtimeContext(request.urn, context);
        const left = remnants(projectRoot, spec.name);
        if (left.length > 0) {
          context.log.info(
            `removes first what is left of an earlier cluster ${spec.name}: ${inShort(left)}`,
            request.urn,
          );
        }
        return { id: "", outputs: plannedOutputs(request.inputs) };
      }
      const cluster = await startOrKeep(request, context);
      context.log.status(describePlan(cluster.record, cluster.record.kubernetes), request.urn);
      return { id: spec.name, outputs: outputsOf(request.inputs, cluster) };
    });
  },

  async update(request: UpdateRequest, context: Context): Promise<UpdateResult> {
    return explained(async () => {
      const spec = clusterSpec(request.news);
      if (request.preview) {
        const record = recordOf(request.id, request.urn, context);
        for (const line of record === undefined ? [] : describeChanges(record, spec)) {
          context.log.info(line, request.urn);
        }
        // Address and certificates outlive the processes: objects on it can be compared even now.
        const version = kubernetesVersion(spec.kubernetesVersion);
        return { outputs: { ...request.oldOutputs, ...request.news, version, status: "running" } };
      }
      const cluster = await ensureCluster(spec, runtimeContext(request.urn, context));
      return { outputs: outputsOf(request.news, cluster) };
    });
  },

  async read(request: ReadRequest, context: Context): Promise<ReadResult | undefined> {
    const paths = clusterPaths(runtimeContext(request.urn, context).projectRoot, request.id);
    const record = readRecord(paths);
    if (record === undefined) return Promise.resolve(undefined);
    const missing = missingParts(record, paths);
    const describe = (inputs: PropertyMap) => outputsOf(inputs, describeCluster(record, paths));
    return Promise.resolve(readResult(request, record.spec, missing, describe));
  },

  async delete({ id, urn }: DeleteRequest, context: Context): Promise<void> {
    const { projectRoot, onProgress } = runtimeContext(urn, context);
    onProgress("removing processes, mounts, namespaces and files");
    await explained(() => deleteCluster(projectRoot, id));
  },
};

/**
 * A cluster cannot turn into another one in the midst of an update: two of them would hold the same
 * ports, and all data of the first would go unasked.
 */
function refuseAnother(root: string, wanted: ClusterSpec, oldName: string): CheckFailure[] {
  const record = oldName === "" ? undefined : readRecord(clusterPaths(root, oldName));
  if (record === undefined) {
    return [];
  }
  const remedy = "run npm run down first (its data goes with it), then npm start";
  const { real } = wanted.nodes;
  const nodes = record.realNode ? "a real node" : "simulated nodes only";
  const version = kubernetesVersion(wanted.kubernetesVersion);
  const refused = refusedChange(presentVersion(record), version);
  return [
    ...(refused === undefined ? [] : [{ property: "kubernetesVersion", reason: refused }]),
    ...(wanted.name === oldName
      ? []
      : [{ property: "clusterName", reason: `the cluster "${oldName}" is there: ${remedy}` }]),
    ...(wanted.nodes.autoscaling === true && record.network.kind === "loopback"
      ? [
          {
            property: "nodes.autoscaling",
            reason: `the cluster "${oldName}" has no network namespace of its own, in which alone Karpenter runs: ${remedy} as root`,
          },
        ]
      : []),
    ...(real === "auto" || (real === "always") === record.realNode
      ? []
      : [
          {
            property: "nodes",
            reason: `nodes.real is ${real}, and the cluster was made with ${nodes}: ${remedy}`,
          },
        ]),
  ];
}

/**
 * Starts the cluster. Interrupted or failed half-way it stays in state with what there is of it, so
 * that the next update goes on and a destroy removes it.
 */
async function startOrKeep(
  { inputs, urn }: CreateRequest,
  context: Context,
): Promise<RunningCluster> {
  const spec = clusterSpec(inputs);
  const runtime = runtimeContext(urn, context);
  try {
    return await ensureCluster(spec, runtime);
  } catch (error) {
    const paths = clusterPaths(runtime.projectRoot, spec.name);
    const record = readRecord(paths);
    if (record === undefined) {
      throw error;
    }
    const outputs = outputsOf(inputs, describeCluster(record, paths));
    throw keptInState(spec.name, { inputs, outputs }, error, context);
  }
}

/** Parts of a cluster that should run and do not; all of them when there is no cluster. */
function missingNow(id: string, urn: string, context: Context): string[] {
  const paths = clusterPaths(runtimeContext(urn, context).projectRoot, id);
  const record = recordOf(id, urn, context);
  return record === undefined ? ["every part"] : missingParts(record, paths);
}

function recordOf(id: string, urn: string, context: Context): ClusterRecord | undefined {
  return readRecord(clusterPaths(runtimeContext(urn, context).projectRoot, id));
}

function needsUpgrade(record: ClusterRecord, spec: ClusterSpec): boolean {
  const wanted = kubernetesVersion(spec.kubernetesVersion);
  return record.upgrade !== undefined || record.kubernetes !== wanted;
}

function outputsOf(inputs: PropertyMap, cluster: RunningCluster): PropertyMap {
  const { record, server, kubeconfig, nodeNames, coreDnsImage } = cluster;
  return clusterOutputs(inputs, {
    uid: record.uid,
    version: record.kubernetes,
    server,
    kubeconfig,
    servesTraffic: record.realNode,
    nodeNames,
    reasons: record.reasons,
    coreDnsImage,
  });
}
