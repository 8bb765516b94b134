import {
  type CheckFailure,
  type CheckRequest,
  type CheckResult,
  type Context,
  type CreateRequest,
  type DeleteRequest,
  type DiffRequest,
  type PropertyMap,
  type ReadRequest,
  type UpdateRequest,
  text,
} from "../../../toolchain/plugin/serve";
import { engineOf } from "../choice";
import { kindClusterResource } from "../kind/resource";
import type { LocalEngine } from "../runtime/spec";
import { clusterResource as nativeClusterResource } from "./cluster";
import { runtimeContext } from "./context";
import { clusterSpec } from "./inputs";

/** The resource `drydock:local:Cluster`, whatever it runs in: the input `engine` says which. */
export const clusterResource = {
  async check(request: CheckRequest, context: Context): Promise<CheckResult> {
    const { inputs, failures } = await nativeClusterResource.check(request, context);
    const more = [...refuseAnother(request, context), ...refuseNodeSettings(request)];
    return { inputs, failures: [...failures, ...more] };
  },
  diff: (request: DiffRequest, context: Context) =>
    implementation(request.news).diff(request, context),
  create: (request: CreateRequest, context: Context) =>
    implementation(request.inputs).create(request, context),
  update: (request: UpdateRequest, context: Context) =>
    implementation(request.news).update(request, context),
  read(request: ReadRequest, context: Context) {
    const { urn, id, inputs } = request;
    const { projectRoot } = runtimeContext(urn, context);
    // An import has no inputs.
    const engine =
      Object.keys(inputs).length > 0 ? inputs : { engine: engineOf(projectRoot, id) ?? "" };
    return implementation(engine).read(request, context);
  },
  delete: (request: DeleteRequest, context: Context) =>
    implementation(request.inputs).delete(request, context),
};

function implementation(inputs: PropertyMap) {
  return engineIn(inputs) === "kind" ? kindClusterResource : nativeClusterResource;
}

/** A state of before there was a choice has none. */
function engineIn(inputs: PropertyMap): LocalEngine {
  return text(inputs.engine) === "kind" ? "kind" : "native";
}

/** A running cluster cannot turn into something else: it would be another one, without the data. */
function refuseAnother({ urn, olds, news }: CheckRequest, context: Context): CheckFailure[] {
  const name = text(olds.clusterName);
  const { projectRoot } = runtimeContext(urn, context);
  const there = name === "" ? undefined : engineOf(projectRoot, name);
  if (there === "kind" && engineIn(news) === "kind") return refuseAnotherKind(olds, news);
  if (there === undefined || there === engineIn(news)) return [];
  const reason = `engine is ${engineIn(news)}, and the cluster "${name}" was made as ${there}: run npm run down first (its data goes with it), then npm start`;
  return [{ property: "engine", reason }];
}

/** Name and version are of the container itself. */
function refuseAnotherKind(olds: PropertyMap, news: PropertyMap): CheckFailure[] {
  const remedy = "run npm run down first (its data goes with it), then npm start";
  return ["clusterName", "kubernetesVersion"]
    .filter((property) => text(olds[property]) !== text(news[property]))
    .map((property) => ({
      property,
      reason: `the kind cluster "${text(olds.clusterName)}" has ${text(olds[property])}: ${remedy}`,
    }));
}

/** kind sets labels when it makes a node, and no taints: neither could be changed later. kwok does not run there. */
function refuseNodeSettings({ news }: CheckRequest): CheckFailure[] {
  if (engineIn(news) !== "kind") return [];
  const { labels, taints, autoscaling } = clusterSpec(news).nodes;
  const set = [
    ...(Object.keys(labels?.real ?? {}).length > 0 ? ["nodes.labels.real"] : []),
    ...((taints?.real ?? []).length > 0 ? ["nodes.taints.real"] : []),
    ...(autoscaling === true ? ["nodes.autoscaling"] : []),
  ];
  const reason = "the node of a kind cluster takes none: remove them, or set engine to native";
  return set.map((property) => ({ property, reason }));
}
