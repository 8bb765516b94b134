import { isIPv4 } from "node:net";

import { z } from "zod";

import type { CheckFailure, PropertyMap, PropertyValue } from "../../../toolchain/plugin/serve";
import { isMap, text } from "../../../toolchain/plugin/serve";
import { KUBERNETES_MINORS } from "../../../toolchain/release";
import { labels, taints } from "../../../config/node-settings";
import type { ClusterSpec } from "../runtime/spec";

/**
 * The inputs as a spec. The program's configuration is checked before it comes here; these checks
 * are for callers of the bare resource, and for values that only this machine can judge.
 */
export function clusterSpec(inputs: PropertyMap): ClusterSpec {
  const nodes = isMap(inputs.nodes) ? inputs.nodes : {};
  return {
    name: text(inputs.clusterName),
    kubernetesVersion: text(inputs.kubernetesVersion) as ClusterSpec["kubernetesVersion"],
    nodes: {
      real: text(nodes.real) as ClusterSpec["nodes"]["real"],
      simulated: Number(nodes.simulated),
      ...perKind("labels", nodes.labels),
      ...perKind("taints", nodes.taints),
      ...(nodes.autoscaling === true ? { autoscaling: true } : {}),
    },
    loadBalancerAddress: text(inputs.loadBalancerAddress),
    ...(inputs.engine === "native" || inputs.engine === "kind" ? { engine: inputs.engine } : {}),
  };
}

type PerNodeKind = Pick<ClusterSpec["nodes"], "labels" | "taints">;

function perKind(key: keyof PerNodeKind, value: PropertyValue | undefined): PerNodeKind {
  // What check has accepted has this form.
  return isMap(value) ? { [key]: value } : {};
}

/** Every problem at once: property, value, rule. */
export function checkClusterInputs(inputs: PropertyMap): CheckFailure[] {
  const nodes = isMap(inputs.nodes) ? inputs.nodes : {};
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
      (value) => KUBERNETES_MINORS.some((minor) => minor === value),
      `must be ${KUBERNETES_MINORS.map((minor) => `"${minor}"`).join(" or ")}: these the toolchain has`,
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
      "nodes.autoscaling",
      nodes.autoscaling,
      (value) => ["undefined", "boolean"].includes(typeof value),
      "must be true or false",
    ],
    [
      "engine",
      inputs.engine,
      (value) => [undefined, "native", "kind"].includes(value as string | undefined),
      "must be native or kind",
    ],
    [
      "loadBalancerAddress",
      inputs.loadBalancerAddress,
      (value) => typeof value === "string" && isIPv4(value) && value.startsWith("127."),
      "must be an address within 127.0.0.0/8: nothing may listen outside loopback",
    ],
  ];
  return [
    ...rules.flatMap(([property, value, holds, rule]) =>
      holds(value) ? [] : [{ property, reason: `${JSON.stringify(value)} ${rule}` }],
    ),
    ...settingsProblems("nodes.labels", labels, nodes.labels),
    ...settingsProblems("nodes.taints", taints, nodes.taints),
  ];
}

/** Labels and taints by the rules of the program's configuration. */
function settingsProblems(
  property: string,
  schema: typeof labels | typeof taints,
  value: PropertyValue | undefined,
): CheckFailure[] {
  const kinds = z
    .strictObject({ real: schema.optional(), simulated: schema.optional() })
    .optional();
  const problems = kinds.safeParse(value).error?.issues ?? [];
  return problems.map((issue) => ({
    property: [property, ...issue.path].join("."),
    reason: `must be ${issue.message}`,
  }));
}
