import {
  type Context,
  type InvokeRequest,
  type InvokeResult,
  PluginError,
  type ProviderPlugin,
  serveProvider,
} from "../../toolchain/plugin/serve";
import { detectFunction } from "../existing/provider/detect";
import { clusterResource as existingClusterResource } from "../existing/provider/cluster";
import { publishedResource } from "../images/published";
import { clusterResource as localClusterResource } from "../local/provider/engines";
import { localImageResource } from "../local/provider/image";
import { chooseEngineFunction } from "../local/provider/plan";

type ResourceProvider = Omit<ProviderPlugin, "name" | "version">;
type PluginFunction = (request: InvokeRequest, context: Context) => Promise<InvokeResult>;

const RESOURCES: Readonly<Record<string, ResourceProvider>> = {
  "drydock:local:Cluster": localClusterResource,
  "drydock:local:Image": localImageResource,
  "drydock:existing:Cluster": existingClusterResource,
  "drydock:images:Published": publishedResource,
};

const FUNCTIONS: Readonly<Record<string, PluginFunction>> = {
  "drydock:existing:detect": detectFunction,
  "drydock:local:chooseEngine": chooseEngineFunction,
};

function found<T>(kind: string, table: Readonly<Record<string, T>>, token: string): T {
  const entry = table[token];
  if (entry !== undefined) return entry;
  const known = Object.keys(table).join(", ");
  throw new PluginError(`the drydock plugin has no ${kind} ${token}: it has ${known}`);
}

const resource = (type: string): ResourceProvider => found("resource", RESOURCES, type);

/** The plugin that Pulumi.yaml names: clusters, images, and what only the machine or the network can tell. */
const plugin: ProviderPlugin = {
  name: "drydock",
  version: "0.1.0",
  invoke: (request, context) => found("function", FUNCTIONS, request.token)(request, context),
  check: (request, context: Context) => resource(request.type).check(request, context),
  diff: (request, context) => resource(request.type).diff(request, context),
  create: (request, context) => resource(request.type).create(request, context),
  read: (request, context) => resource(request.type).read(request, context),
  update: (request, context) => resource(request.type).update(request, context),
  delete: (request, context) => resource(request.type).delete(request, context),
};

void serveProvider(plugin);
