import {
  deleteCluster,
  leftovers,
  remnants,
  removeRemnants,
} from "../../infra/local/runtime/delete";
import { LocalClusterError } from "../../infra/local/runtime/errors";
import { missingParts } from "../../infra/local/runtime/lifecycle";
import { clusterPaths } from "../../infra/local/runtime/paths";
import { describePlan, planCluster, requiredTools } from "../../infra/local/runtime/plan";
import { readRecord } from "../../infra/local/runtime/record";
import { reportComponents } from "../../infra/local/runtime/report";
import { ToolError } from "../errors";
import type { StackSettings } from "../stack-file";
import { KUBERNETES_VERSION } from "../tools";
import type { LocalClusters } from "./hooks";

/** The local clusters of infra/local, as the commands see them. */
export const localClusters: LocalClusters = {
  plan: (settings) =>
    explained(async () => {
      const plan = await planCluster(specOf(settings));
      return {
        tools: requiredTools(plan),
        realNode: plan.realNode,
        summary: describePlan(plan, KUBERNETES_VERSION),
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
};

const STATES = { ok: "ok", restarting: "note", down: "missing" } as const;

function specOf({ clusterName, realNodes, simulatedNodes }: StackSettings) {
  return {
    name: clusterName,
    kubernetesVersion: KUBERNETES_VERSION.replace(/\.\d+$/, ""),
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
