import { reasonOf } from "../../../toolchain/errors";
import {
  type Context,
  PartialFailure,
  type PropertyMap,
  type ReadRequest,
  type ReadResult,
  Secret,
  UNKNOWN,
} from "../../../toolchain/plugin/serve";
import type { ClusterSpec } from "../runtime/spec";

/** What is known of a cluster once it runs, whatever it runs in. */
export interface ClusterFacts {
  /** Of its data: a revived cluster keeps it. */
  readonly uid: string;
  /** Full version of Kubernetes. */
  readonly version: string;
  /** URL of the API server. */
  readonly server: string;
  readonly kubeconfig: string;
  readonly servesTraffic: boolean;
  readonly nodeNames: readonly string[];
  /** Why the nodes are simulated; empty where one is real. */
  readonly reasons: readonly string[];
  /** Empty where CoreDNS is not this project's. */
  readonly coreDnsImage: string;
}

/** Known once the cluster is there; the type names each fact, so that none is left out of a preview. */
const NOT_YET: Record<keyof ClusterFacts, typeof UNKNOWN> = {
  uid: UNKNOWN,
  version: UNKNOWN,
  server: UNKNOWN,
  kubeconfig: UNKNOWN,
  servesTraffic: UNKNOWN,
  nodeNames: UNKNOWN,
  reasons: UNKNOWN,
  coreDnsImage: UNKNOWN,
};

/** The outputs of a cluster that runs. */
export const clusterOutputs = (inputs: PropertyMap, facts: ClusterFacts): PropertyMap => ({
  ...inputs,
  ...facts,
  kubeconfig: new Secret(facts.kubeconfig),
  nodeNames: [...facts.nodeNames],
  reasons: [...facts.reasons],
  status: "running",
});

/** The outputs of a cluster that an update would make. */
export const plannedOutputs = (inputs: PropertyMap): PropertyMap => ({
  ...inputs,
  ...NOT_YET,
  status: "running",
});

/**
 * What Read answers of a cluster that is there; one to import has no inputs or outputs yet.
 * @param missing parts that should run and do not
 */
export function readResult(
  { id, inputs, outputs }: ReadRequest,
  spec: ClusterSpec,
  missing: readonly string[],
  describe: (inputs: PropertyMap) => PropertyMap,
): ReadResult {
  const { name: clusterName, ...rest } = spec;
  const live: PropertyMap =
    Object.keys(inputs).length > 0
      ? inputs
      : { clusterName, ...(structuredClone(rest) as unknown as PropertyMap) };
  const known = Object.keys(outputs).length > 0 ? outputs : describe(live);
  const status = missing.length === 0 ? "running" : "stopped";
  return { id, inputs: live, outputs: { ...known, status } };
}

/** Said where a preview finds parts of a cluster gone. */
export const notRunningWhole = (id: string, missing: readonly string[]): string =>
  `cluster ${id} is not running whole (missing: ${missing.join(", ")}): the update revives it with its data`;

/** A creation that ended half-way: the cluster stays in state, the next update goes on, a destroy removes it. */
export function keptInState(
  name: string,
  { inputs, outputs }: { inputs: PropertyMap; outputs: PropertyMap },
  error: unknown,
  context: Context,
): PartialFailure {
  const reason = context.signal.aborted
    ? "interrupted: what is there is kept; the next update goes on with it, npm run down removes it"
    : reasonOf(error);
  return new PartialFailure(name, { ...outputs, status: "stopped" }, [reason], inputs);
}
