import { isIPv4 } from "node:net";

import type { CheckFailure, PropertyMap, PropertyValue } from "../../../toolchain/plugin/serve";
import { isMap } from "../../../toolchain/plugin/serve";
import { KUBERNETES_VERSION } from "../../../toolchain/tools";
import type { ClusterSpec } from "../runtime/spec";

/** A string property; the empty string where it is anything else (Check has refused that). */
export function text(value: PropertyValue | undefined): string {
  return typeof value === "string" ? value : "";
}

/**
 * The inputs as a spec. The program's configuration is checked before it comes here; these checks
 * are for callers of the bare resource, and for values that only this machine can judge.
 */
export function clusterSpec(inputs: PropertyMap): ClusterSpec {
  const nodes = isMap(inputs.nodes) ? inputs.nodes : {};
  return {
    name: text(inputs.clusterName),
    kubernetesVersion: text(inputs.kubernetesVersion),
    nodes: {
      real: text(nodes.real) as ClusterSpec["nodes"]["real"],
      simulated: Number(nodes.simulated),
    },
    loadBalancerAddress: text(inputs.loadBalancerAddress),
  };
}

/** Every problem at once: property, value, rule. */
export function checkClusterInputs(inputs: PropertyMap): CheckFailure[] {
  const nodes = isMap(inputs.nodes) ? inputs.nodes : {};
  const minor = KUBERNETES_VERSION.split(".").slice(0, 2).join(".");
  const rules: [string, PropertyValue | undefined, (value: unknown) => boolean, string][] = [
    [
      "clusterName",
      inputs.clusterName,
      (value) => typeof value === "string" && /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/.test(value),
      "must be a DNS label of 1 to 32 characters: it names the network namespace and the nodes",
    ],
    [
      "kubernetesVersion",
      inputs.kubernetesVersion,
      (value) => value === minor,
      `must be "${minor}", the version that the toolchain has`,
    ],
    [
      "nodes.real",
      nodes.real,
      (value) => ["auto", "always", "never"].includes(String(value)),
      "must be auto, always or never",
    ],
    [
      "nodes.simulated",
      nodes.simulated,
      (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 1000,
      "must be a whole number from 0 to 1000",
    ],
    [
      "loadBalancerAddress",
      inputs.loadBalancerAddress,
      (value) => typeof value === "string" && isIPv4(value) && value.startsWith("127."),
      "must be an address within 127.0.0.0/8: nothing may listen outside loopback",
    ],
  ];
  return rules.flatMap(([property, value, holds, rule]) =>
    holds(value) ? [] : [{ property, reason: `${JSON.stringify(value)} ${rule}` }],
  );
}
