import type { KubernetesMinor, ToolName } from "../../toolchain/release";
import { kubernetesVersion as fullVersion } from "../../toolchain/tools";
import {
  type ContainerEngine,
  type EngineSearch,
  findContainerEngine,
} from "./kind/container-engine";
import { nodeImage } from "./kind/node-image";
import { readKindRecord } from "./kind/record";
import { LocalClusterError } from "./runtime/errors";
import { clusterPaths } from "./runtime/paths";
import { describePlan, type Plan, planFor, requiredTools } from "./runtime/plan";
import { failedReasons, type Probe, probeHost } from "./runtime/probes";
import { readRecord } from "./runtime/record";
import type { ClusterSpec, LocalEngine } from "./runtime/spec";

/** What a stack asks for. `auto` decides by what the machine permits. */
export type WantedEngine = "auto" | LocalEngine;

export type Wanted = Omit<ClusterSpec, "engine"> & { readonly engine: WantedEngine };

export type Choice =
  | { readonly engine: "native"; readonly plan: Plan }
  /** @property reasons why it is not native */
  | {
      readonly engine: "kind";
      readonly container: ContainerEngine;
      readonly reasons: readonly string[];
    };

/** What the choice is made by, each tried only where it matters. */
export interface Machine {
  probes(): Promise<readonly Probe[]>;
  containers(): Promise<EngineSearch>;
}

const THIS_MACHINE: Machine = {
  probes: () => probeHost(),
  containers: () => findContainerEngine(),
};

/**
 * A real node of this machine's own where it is permitted, else one in a container of Docker or Podman,
 * else simulated nodes. Nothing is made.
 *
 * @throws LocalClusterError where what is demanded cannot be had
 */
export async function chooseEngine(
  wanted: Wanted,
  machine: Machine = THIS_MACHINE,
): Promise<Choice> {
  const { engine, nodes } = wanted;
  if (engine === "kind") return inContainer(await machine.containers(), ["cluster.engine is kind"]);
  const probes = await machine.probes();
  const native = (): Choice => ({ engine: "native", plan: planFor(wanted, probes) });
  const reasons = failedReasons(probes);
  // kwok's nodes stand beside a native control plane only.
  const { real, simulated: count, autoscaling } = nodes;
  const simulated = real === "never" || count > 0 || autoscaling === true;
  if (engine === "native" || simulated || reasons.length === 0) return native();
  const search = await machine.containers();
  if (search.found !== undefined) return inContainer(search, reasons);
  const choice = native();
  return choice.engine === "kind" ? choice : withReasons(choice, search.reasons);
}

function inContainer(search: EngineSearch, reasons: readonly string[]): Choice {
  if (search.found !== undefined) return { engine: "kind", container: search.found, reasons };
  throw new LocalClusterError("no container engine answers, which kind needs", {
    why: search.reasons.join("; "),
    fix: "start Docker or Podman, or set cluster.engine to auto",
  });
}

function withReasons(
  choice: Extract<Choice, { engine: "native" }>,
  more: readonly string[],
): Choice {
  const { plan } = choice;
  return { ...choice, plan: { ...plan, reasons: [...plan.reasons, ...more] } };
}

/** What a cluster that is there was made as; undefined where there is none. */
export function choiceOf(
  projectRoot: string,
  name: string,
): { engine: LocalEngine; realNode: boolean } | undefined {
  const paths = clusterPaths(projectRoot, name);
  if (readKindRecord(paths) !== undefined) return { engine: "kind", realNode: true };
  const record = readRecord(paths);
  return record && { engine: "native", realNode: record.realNode };
}

export function engineOf(projectRoot: string, name: string): LocalEngine | undefined {
  return choiceOf(projectRoot, name)?.engine;
}

/** Whether pods of a cluster made by this choice are processes. */
export function hasRealNode(choice: Choice): boolean {
  return choice.engine === "kind" || choice.plan.realNode;
}

export function toolsOf(choice: Choice): ToolName[] {
  return choice.engine === "kind" ? ["kind", "crane"] : requiredTools(choice.plan);
}

/** One or more sentences for the user: what runs for real, what is simulated, and why. */
export function describeChoice(choice: Choice, kubernetes: KubernetesMinor): string {
  if (choice.engine === "native") return describePlan(choice.plan, fullVersion(kubernetes));
  const { container, reasons } = choice;
  const { version } = nodeImage(kubernetes);
  const title = container.name === "docker" ? "Docker" : "Podman";
  return `Kubernetes ${version} by kind: 1 real node in a container of ${title} ${container.version}. Reason: ${reasons.join("; ")}.`;
}
