import { statSync } from "node:fs";

import { inNetwork, namespaceFile, run } from "../runtime/process";
import { type NetworkRecord, POD_CIDR } from "../runtime/spec";
import { compile } from "./compile";
import type { NetworkState } from "./model";
import { renderClosed, renderRuleset, TABLE } from "./nftables";

const STEP = "setting the rules of network policies";
const NETWORK = { podCidr: POD_CIDR };

/** The rules of a state as `nft` takes them. */
export function rulesOf(state: NetworkState): string {
  return renderRuleset(compile(state), NETWORK);
}

/** The rules of a node whose pods and policies are not known: no pod has any traffic. */
export function closedRules(): string {
  return renderClosed(NETWORK);
}

/**
 * Puts rules in the place of the former ones, in one step.
 * @throws LocalClusterError: the former rules stay
 */
export async function applyRules(network: NetworkRecord, rules: string): Promise<void> {
  await run(STEP, inNetwork(network, { file: "nft", args: ["-f", "-"], input: rules }));
}

/** Before the first pod starts: none may have traffic that a policy, not read yet, forbids. */
export async function closePodNetwork(network: NetworkRecord): Promise<void> {
  if (!(await hasRules(network))) {
    await applyRules(network, closedRules());
  }
}

/** Whether rules are in place, of whatever state. */
export async function hasRules(network: NetworkRecord): Promise<boolean> {
  const args = ["list", "chain", ...TABLE.split(" "), "forward"];
  return run(STEP, inNetwork(network, { file: "nft", args })).then(
    () => true,
    () => false,
  );
}

/** Which namespace bears the name now; undefined: there is none. */
export function namespaceId(network: NetworkRecord): number | undefined {
  return network.kind === "loopback"
    ? undefined
    : statSync(namespaceFile(network.namespace), { throwIfNoEntry: false })?.ino;
}
