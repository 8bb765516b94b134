import {
  chooseEngine,
  describeChoice,
  engineOf,
  hasRealNode,
  toolsOf,
  type Wanted,
} from "../../infra/local/choice";
import {
  deleteCluster,
  leftovers,
  remnants,
  removeRemnants,
} from "../../infra/local/runtime/delete";
import { LocalClusterError } from "../../infra/local/runtime/errors";
import { deleteKindCluster, missingKindParts } from "../../infra/local/kind/lifecycle";
import { readKindRecord } from "../../infra/local/kind/record";
import { missingParts } from "../../infra/local/runtime/lifecycle";
import { clusterPaths, type ClusterPaths } from "../../infra/local/runtime/paths";
import { SNAPSHOT_TOOLS } from "../../infra/local/runtime/plan";
import { readRecord, readTools } from "../../infra/local/runtime/record";
import { reportComponents } from "../../infra/local/runtime/report";
import { restoreSnapshot } from "../../infra/local/runtime/restore";
import { takeSnapshot } from "../../infra/local/runtime/snapshot";
import type { ClusterRecord } from "../../infra/local/runtime/spec";
import { ToolError } from "../errors";
import { defaultCacheDirectory } from "../paths";
import { resolveTools } from "../resolve";
import type { StackSettings } from "../stack-file";
import type { LocalClusters, RunningCluster } from "./hooks";

/** The local clusters of infra/local, as the commands see them. */
export const localClusters: LocalClusters = {
  plan: (settings) =>
    explained(async () => {
      const wanted = wantedOf(settings);
      const choice = await chooseEngine(wanted);
      return {
        tools: toolsOf(choice),
        realNode: hasRealNode(choice),
        summary: describeChoice(choice, wanted.kubernetesVersion),
      };
    }),
  missing: (root, { clusterName }) => {
    const paths = clusterPaths(root, clusterName);
    const kind = readKindRecord(paths);
    if (kind !== undefined) return missingKindParts(kind, paths);
    const record = readRecord(paths);
    return Promise.resolve(record === undefined ? [] : missingParts(record, paths));
  },
  remove: (root, { clusterName }) =>
    explained(async () => {
      if (engineOf(root, clusterName) === "kind") return removeKindCluster(root, clusterName);
      const left = [...remnants(root, clusterName), ...leftovers(root, clusterName)];
      await removeRemnants(root, clusterName);
      await deleteCluster(root, clusterName);
      return [...new Set(left)];
    }),
  components: (root, { clusterName }) => {
    const kind = readKindRecord(clusterPaths(root, clusterName));
    if (kind !== undefined) {
      const { name } = kind.container;
      return [
        { state: "note", text: `in a container: ${name} ps --filter name=drydock-${clusterName}` },
      ];
    }
    const reports = reportComponents(clusterPaths(root, clusterName));
    if (reports === undefined) {
      return [{ state: "note", text: "not there yet: npm start makes it" }];
    }
    const firstDown = reports.findIndex(({ condition }) => condition === "down");
    return reports.map(({ name, condition, text }, index) => ({
      state: STATES[condition],
      text: `${name}: ${text}`,
      // One command mends them all.
      fix: index === firstDown ? "npm start" : undefined,
    }));
  },
  snapshot: (cluster, file) =>
    explained(async () => {
      const { record, paths, tools } = await find(cluster);
      return takeSnapshot(record, paths, tools, { file, signal: cluster.signal });
    }),
  restore: (cluster, file, confirm) =>
    explained(async () => {
      const { record, paths, tools } = await find(cluster);
      const { signal, onProgress } = cluster;
      return restoreSnapshot(record, paths, file, { tools, signal, onProgress, confirm });
    }),
};

const STATES = { ok: "ok", restarting: "note", down: "missing" } as const;

/** The cluster with the tools it runs, and those that read and write its data. */
async function find({ root, settings: { clusterName }, resolveTools }: RunningCluster): Promise<{
  record: ClusterRecord;
  paths: ClusterPaths;
  tools: Readonly<Record<string, string>>;
}> {
  const paths = clusterPaths(root, clusterName);
  const record = readRecord(paths);
  if (record === undefined) {
    throw new LocalClusterError(`there is no local cluster ${clusterName}`, {
      fix: "npm start makes it",
    });
  }
  const tools = { ...readTools(paths), ...(await resolveTools(SNAPSHOT_TOOLS)) };
  return { record, paths, tools };
}

async function removeKindCluster(root: string, name: string): Promise<readonly string[]> {
  await deleteKindCluster(name, {
    projectRoot: root,
    cacheDirectory: defaultCacheDirectory(),
    onProgress: () => undefined,
    onNotice: () => undefined,
    resolveTools: async (names) => {
      const tools = await resolveTools(names);
      return Object.fromEntries([...tools].map(([tool, { path }]) => [tool, path]));
    },
  });
  return [`the kind cluster of ${name}`];
}

function wantedOf({
  clusterName,
  engine,
  kubernetes,
  realNodes,
  simulatedNodes,
  autoscaling,
}: StackSettings): Wanted {
  return {
    name: clusterName,
    engine,
    kubernetesVersion: kubernetes,
    nodes: { real: realNodes, simulated: simulatedNodes, autoscaling },
    loadBalancerAddress: "127.0.0.1",
  };
}

async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LocalClusterError)) throw error;
    throw new ToolError({ what: error.message }, { cause: error });
  }
}
