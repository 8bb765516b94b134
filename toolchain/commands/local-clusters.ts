import {
  deleteCluster,
  leftovers,
  remnants,
  removeRemnants,
} from "../../infra/local/runtime/delete";
import { LocalClusterError } from "../../infra/local/runtime/errors";
import { missingParts } from "../../infra/local/runtime/lifecycle";
import { clusterPaths, type ClusterPaths } from "../../infra/local/runtime/paths";
import {
  describePlan,
  planCluster,
  requiredTools,
  SNAPSHOT_TOOLS,
} from "../../infra/local/runtime/plan";
import { readRecord, readTools } from "../../infra/local/runtime/record";
import { reportComponents } from "../../infra/local/runtime/report";
import { restoreSnapshot } from "../../infra/local/runtime/restore";
import { takeSnapshot } from "../../infra/local/runtime/snapshot";
import type { ClusterRecord } from "../../infra/local/runtime/spec";
import { ToolError } from "../errors";
import type { StackSettings } from "../stack-file";
import { kubernetesVersion } from "../tools";
import type { LocalClusters, RunningCluster } from "./hooks";

/** The local clusters of infra/local, as the commands see them. */
export const localClusters: LocalClusters = {
  plan: (settings) =>
    explained(async () => {
      const plan = await planCluster(specOf(settings));
      return {
        tools: requiredTools(plan),
        realNode: plan.realNode,
        summary: describePlan(plan, kubernetesVersion(settings.kubernetes)),
      };
    }),
  missing: (root, { clusterName }) => {
    const paths = clusterPaths(root, clusterName);
    const record = readRecord(paths);
    return Promise.resolve(record === undefined ? [] : missingParts(record, paths));
  },
  remove: (root, { clusterName }) =>
    explained(async () => {
      const left = [...remnants(root, clusterName), ...leftovers(root, clusterName)];
      await removeRemnants(root, clusterName);
      await deleteCluster(root, clusterName);
      return [...new Set(left)];
    }),
  components: (root, { clusterName }) => {
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

function specOf({ clusterName, kubernetes, realNodes, simulatedNodes }: StackSettings) {
  return {
    name: clusterName,
    kubernetesVersion: kubernetes,
    nodes: { real: realNodes, simulated: simulatedNodes },
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
